"""What a shell offers after Tab: names of the project, read from its files alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from etl_framework.config.models import Pipeline
    from etl_framework.config.project import Project

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completed(names: Callable[[Project], Iterable[tuple[str, str]]]) -> Complete:
    """Offer names with what they are, as far as the project can be read.

    :param names: name and description.
    """

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from etl_framework.config.project import load_project
        from etl_framework.errors import EtlError

        try:
            found = dict(names(load_project(context.params.get("root") or Path())))
        except (EtlError, OSError):
            return []
        return [
            CompletionItem(name, help=text.split("\n")[0] or None)
            for name, text in found.items()
            if name.startswith(incomplete)
        ]

    return complete


def _models(project: Project) -> Iterator[Pipeline]:
    yield from (found.model for found in project.pipelines if found.model)


def _pipelines(project: Project) -> Iterator[tuple[str, str]]:
    for found in project.pipelines:
        yield Path(found.file.path).stem, found.model.description if found.model else ""


def _relations(project: Project) -> Iterator[tuple[str, str]]:
    for model in _models(project):
        for name, block in model.relations().items():
            yield name, block.description


def _queries(project: Project) -> Iterator[tuple[str, str]]:
    for model in _models(project):
        for name, block in model.queries().items():
            yield name, block.description


def _in_pipelines(project: Project) -> Iterator[tuple[str, str]]:
    yield from _pipelines(project)
    for model in _models(project):
        for name, block in model.queries().items():
            yield f"{model.name}.{name}", block.description


def _fields(project: Project) -> Iterator[tuple[str, str]]:
    yield from _relations(project)
    for model in _models(project):
        for name, block in model.relations().items():
            for column in block.columns:
                yield f"{name}.{column.name}", column.description


def _sources(project: Project) -> Iterator[tuple[str, str]]:
    for model in _models(project):
        for name, block in model.sources.items():
            yield name, block.description


def _tables(project: Project) -> Iterator[tuple[str, str]]:
    for model in _models(project):
        for name, block in model.kpis.items():
            yield name, block.description
    yield "ledger", "what ran, when, on what"
    for name, text in _sources(project):
        yield f"quarantine.{name}", text


def _environments(project: Project) -> Iterator[tuple[str, str]]:
    for name in project.environments.environments if project.environments else ():
        yield name, ""


def _connections(project: Project) -> Iterator[tuple[str, str]]:
    for name, found in project.environment(None).connections.items():
        yield name, found.description


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
