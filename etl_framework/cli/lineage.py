"""`etl lineage`"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import fields
from etl_framework.cli.options import environment_option, format_option, plans, project_option

if TYPE_CHECKING:
    from etl_framework.plan.lineage import Lineage
    from etl_framework.project.project import Project
    from etl_framework.project.relation import Kind, Relation
    from etl_framework.sql.lineage import Field


@click.command()
@click.argument("name", required=False, shell_complete=fields)
@click.option("--down", is_flag=True, help="What is made of it, not what it is made of.")
@environment_option
@project_option
@format_option("text", "mermaid", "json")
def lineage(
    name: str | None, down: bool, environment: str | None, root: Path, format_: str
) -> None:
    """Show which sources' columns feed a column, as the SQL has it.

    NAME is a relation, one of its columns, or a column alone; every KPI if not given. The column
    `*` stands for the rows of a relation, which COUNT(*) counts.

    \b
    etl lineage kpis_genre.popularity_index
    etl lineage tracks.genre --down
    etl lineage kpis_genre --format mermaid
    """
    from etl_framework.plan.lineage import fields_of, turned
    from etl_framework.plan.lineage import lineage as lineage_of
    from etl_framework.project.project import load_project

    project = load_project(root)
    known: dict[Field, tuple[Field, ...]] = {}
    wanted: list[Field] = []
    pipelines = _pipelines(project, name)
    for pipeline, relations in pipelines.items():
        plan = next(plans(project, pipeline, environment))
        graph = lineage_of(plan)
        asked = fields_of(graph, relations, name)
        prefix = f"{pipeline}." if len(pipelines) > 1 else ""
        for (of, column), made in (turned(graph) if down else graph).items():
            known[prefix + of, column] = tuple((prefix + relation, c) for relation, c in made)
        wanted += [(prefix + of, column) for of, column in asked]
    lines = {"text": _text, "mermaid": _mermaid, "json": _json}[format_]
    click.echo("\n".join(lines(known, wanted)))


def _pipelines(project: Project, name: str | None) -> dict[str, list[str]]:
    """The relations that a name stands for, by pipeline; all KPIs if no name is given."""
    from etl_framework.errors import ConfigError

    if name is None:
        return _by_pipeline(project.relations("kpi"))
    try:
        return _by_pipeline([project.find(name)])
    except ConfigError as error:
        try:
            return _by_pipeline([project.find(name.rpartition(".")[0])])
        except ConfigError:
            if pipelines := _with_column(project, name):
                return pipelines
            raise error from None


def _by_pipeline(relations: Sequence[Relation]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for relation in relations:
        names.setdefault(relation.pipeline.name, []).append(relation.name)
    return names


def _with_column(project: Project, name: str) -> dict[str, list[str]]:
    """The KPIs that have a column of this name; if there are none, the transforms or sources."""
    kinds: tuple[Kind, ...] = ("kpi", "transform", "source")
    for kind in kinds:
        matching = [
            relation
            for relation in project.relations(kind)
            if name in (column.name for column in relation.block.columns)
        ]
        if matching:
            return _by_pipeline(matching)
    return {}


def _text(known: Lineage, fields: Sequence[Field]) -> Iterator[str]:
    """A tree for each column; a part that occurs twice in a tree is shown in full only once."""

    def below(field: Field, depth: int) -> Iterator[str]:
        for related in known.get(field, ()):
            again = related in seen and known.get(related)
            yield f"{'  ' * depth}{_name(related)}{' (as above)' if again else ''}"
            if not again:
                seen.add(related)
                yield from below(related, depth + 1)

    for field in fields:
        seen: set[Field] = set()
        yield _name(field)
        yield from below(field, 1)


def _mermaid(known: Lineage, fields: Sequence[Field]) -> Iterator[str]:
    """A flowchart with a box for each relation, and an arrow to each column from its inputs."""
    from etl_framework.plan.lineage import reached

    shown = dict.fromkeys(
        [*fields, *(related for field in fields for related in reached(known, field))]
    )
    ids = {field: f"c{number}" for number, field in enumerate(shown)}
    yield "flowchart LR"
    for number, relation in enumerate(dict.fromkeys(of for of, _ in shown)):
        yield f'  subgraph r{number}["{relation}"]'
        yield from (f'    {ids[f]}["{f[1]}"]' for f in shown if f[0] == relation)
        yield "  end"
    for field in shown:
        yield from (f"  {ids[made]} --> {ids[field]}" for made in known.get(field, ()))


def _json(known: Lineage, fields: Sequence[Field]) -> Iterator[str]:
    from etl_framework.plan.lineage import reached

    yield json.dumps(
        [
            {
                "column": _name(field),
                "direct": [_name(related) for related in known.get(field, ())],
                "all": [_name(related) for related in reached(known, field)],
            }
            for field in fields
        ],
        indent=2,
    )


def _name(field: Field) -> str:
    return ".".join(field)
