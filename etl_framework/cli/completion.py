"""Complete names in a shell after Tab; they are read from the project's files alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.relation import Kind

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completed(names: Callable[[Project], Iterable[tuple[str, str]]]) -> Complete:
    """Make a completion that offers names with their descriptions; none if reading them fails.

    :param names: returns the names of a project, each with its description.
    """

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from etl_framework.errors import EtlError
        from etl_framework.project.project import load_project

        try:
            descriptions = dict(names(load_project(context.params.get("root") or Path())))
        except (EtlError, OSError):
            return []
        return [
            CompletionItem(name, help=text.split("\n")[0] or None)
            for name, text in descriptions.items()
            if name.startswith(incomplete)
        ]

    return complete


def _pipelines(project: Project) -> Iterator[tuple[str, str]]:
    for pipeline_file in project.pipelines:
        yield (
            pipeline_file.stem,
            pipeline_file.model.description if pipeline_file.model else "",
        )


def _relations(project: Project) -> Iterator[tuple[str, str]]:
    yield from _named(project)


def _queries(project: Project) -> Iterator[tuple[str, str]]:
    yield from _named(project, "transform", "kpi")


def _sources(project: Project) -> Iterator[tuple[str, str]]:
    yield from _named(project, "source")


def _named(project: Project, *kinds: Kind) -> Iterator[tuple[str, str]]:
    """Return the relations of these kinds; with the pipeline if two relations share a name."""
    relations = project.relations(*kinds)
    counts = Counter(relation.name for relation in relations)
    for relation in relations:
        name = relation.name if counts[relation.name] == 1 else relation.full_name
        yield name, relation.block.description


def _in_pipelines(project: Project) -> Iterator[tuple[str, str]]:
    yield from _pipelines(project)
    for relation in project.relations("transform", "kpi"):
        yield relation.full_name, relation.block.description


def _fields(project: Project) -> Iterator[tuple[str, str]]:
    yield from _relations(project)
    for relation in project.relations():
        for column in relation.block.columns:
            yield f"{relation.name}.{column.name}", column.description


def _tables(project: Project) -> Iterator[tuple[str, str]]:
    yield from _named(project, "kpi")
    yield "ledger", "what was published, when, from what"
    yield "runs", "every run, also failed ones"
    for name, text in _sources(project):
        yield f"quarantine.{name}", text


def _environments(project: Project) -> Iterator[tuple[str, str]]:
    for name in project.environments.environments if project.environments else ():
        yield name, ""


def _connections(project: Project) -> Iterator[tuple[str, str]]:
    for name, connection in project.environment(None).connections.items():
        yield name, connection.description


def _codes(project: Project) -> Iterator[tuple[str, str]]:
    from etl_framework.lint.inspector import rules
    from etl_framework.lint.pages import codes, page

    rules()
    for code in codes():
        yield code, page(code).splitlines()[0].lstrip("# ").partition(" ")[2]


pipelines = _completed(_pipelines)
relations = _completed(_relations)
queries = _completed(_queries)
in_pipelines = _completed(_in_pipelines)
fields = _completed(_fields)
sources = _completed(_sources)
tables = _completed(_tables)
environments = _completed(_environments)
connections = _completed(_connections)
rule_codes = _completed(_codes)
