"""`etl lineage`"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completing import fields
from etl_framework.cli.options import environment_option, format_option, plans, project_option

if TYPE_CHECKING:
    from etl_framework.config.project import Project
    from etl_framework.lineage import Lineage
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
    from etl_framework.config.project import load_project
    from etl_framework.lineage import fields_of, turned
    from etl_framework.lineage import lineage as lineage_of

    project = load_project(root)
    known: dict[Field, tuple[Field, ...]] = {}
    wanted: list[Field] = []
    pipelines = _pipelines(project, name)
    for pipeline, relations in pipelines.items():
        plan = next(plans(project, pipeline, environment))
        found = lineage_of(plan)
        asked = fields_of(found, relations, name)
        prefix = f"{pipeline}." if len(pipelines) > 1 else ""
        for (of, column), made in (turned(found) if down else found).items():
            known[prefix + of, column] = tuple((prefix + each, c) for each, c in made)
        wanted += [(prefix + of, column) for of, column in asked]
    lines = {"text": _text, "mermaid": _mermaid, "json": _json}[format_]
    click.echo("\n".join(lines(known, wanted)))


def _pipelines(project: Project, name: str | None) -> dict[str, list[str]]:
    """The pipelines that are asked for, each with its relations."""
    from etl_framework.errors import ConfigError

    if name is None:
        models = [found.model for found in project.pipelines if found.model]
        return {model.name: list(model.kpis) for model in models}
    try:
        pipeline, relation = project.relation(name)
    except ConfigError as error:
        try:
            pipeline, relation = project.relation(name.rpartition(".")[0])
        except ConfigError:
            if found := _with_column(project, name):
                return found
            raise error from None
    return {pipeline.name: [relation]}


def _with_column(project: Project, name: str) -> dict[str, list[str]]:
    """The KPIs that have a column of a name; the other relations when no KPI has."""
    models = [found.model for found in project.pipelines if found.model]
    for part in ("kpis", "transforms", "sources"):
        found = {
            model.name: [
                each
                for each, block in getattr(model, part).items()
                if name in (column.name for column in block.columns)
            ]
            for model in models
        }
        if any(found.values()):
            return {pipeline: relations for pipeline, relations in found.items() if relations}
    return {}


def _text(known: Lineage, fields: Sequence[Field]) -> Iterator[str]:
    """A tree for each column; what was shown in it is not shown in full again."""

    def below(field: Field, depth: int) -> Iterator[str]:
        for each in known.get(field, ()):
            again = each in seen and known.get(each)
            yield f"{'  ' * depth}{_name(each)}{' (as above)' if again else ''}"
            if not again:
                seen.add(each)
                yield from below(each, depth + 1)

    for field in fields:
        seen: set[Field] = set()
        yield _name(field)
        yield from below(field, 1)


def _mermaid(known: Lineage, fields: Sequence[Field]) -> Iterator[str]:
    """A flowchart: a box for each relation, an arrow from each column to what is made of it."""
    from etl_framework.lineage import reached

    shown = dict.fromkeys([*fields, *(each for field in fields for each in reached(known, field))])
    ids = {field: f"c{number}" for number, field in enumerate(shown)}
    yield "flowchart LR"
    for number, relation in enumerate(dict.fromkeys(of for of, _ in shown)):
        yield f'  subgraph r{number}["{relation}"]'
        yield from (f'    {ids[f]}["{f[1]}"]' for f in shown if f[0] == relation)
        yield "  end"
    for field in shown:
        yield from (f"  {ids[made]} --> {ids[field]}" for made in known.get(field, ()))


def _json(known: Lineage, fields: Sequence[Field]) -> Iterator[str]:
    from etl_framework.lineage import reached

    yield json.dumps(
        [
            {
                "column": _name(field),
                "direct": [_name(each) for each in known.get(field, ())],
                "all": [_name(each) for each in reached(known, field)],
            }
            for field in fields
        ],
        indent=2,
    )


def _name(field: Field) -> str:
    return ".".join(field)
