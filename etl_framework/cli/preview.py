"""`etl preview`"""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import queries
from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    plans_of,
    project_option,
    variable_option,
)
from etl_framework.cli.rows import limit_option, most, one_more, print_rows
from etl_framework.cli.selecting import chosen

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.relation import Relation

ROWS = 10


@click.command()
@click.argument("selectors", nargs=-1, required=True, shell_complete=queries)
@environment_option
@date_option
@variable_option
@click.option("--order-by", metavar="COLUMN", help="`-COLUMN` for largest first.")
@limit_option(ROWS)
@project_option
@format_option("table", "csv", "json")
def preview(
    selectors: tuple[str, ...],
    environment: str | None,
    on: date | None,
    variables: dict[str, str],
    order_by: str | None,
    limit: int | None,
    root: Path,
    format_: str,
) -> None:
    """Show the rows that a KPI or transform would give, by the SQL as it is now.

    Sources are as the latest run left them in staging; those that it did not leave, or whose block
    has changed since, are read anew. No target changes. SELECTORS are as for `etl ls`, and
    transforms.

    \b
    etl preview kpis_genre
    etl preview kpis_genre --date 2024-06-25 --order-by -listen_count --limit 50
    """
    from etl_framework.project.project import load_project
    from etl_framework.project.selectors import is_name

    project = load_project(root).given(variables)
    if len(selectors) == 1 and is_name(selectors[0]) and _is_relation(project, selectors[0]):
        relations = [project.find(selectors[0])]
    else:
        found = chosen(project, selectors, (), (), "HEAD", environment, kinds=("transform", "kpi"))
        relations = [
            each.file.relations[name]
            for each in found
            for name in each.relations or each.model.kpis
        ]
    if len(relations) > 1 and format_ != "table":
        raise click.UsageError(f"--format {format_} takes one KPI or transform")
    wanted = most(limit, format_, ROWS)
    for relation in relations:
        _show(project, relation, environment, on, order_by, wanted, format_)


def _is_relation(project: Project, name: str) -> bool:
    return not any(name == pipeline_file.stem for pipeline_file in project.pipelines)


def _show(
    project: Project,
    relation: Relation,
    environment: str | None,
    on: date | None,
    order_by: str | None,
    wanted: int,
    format_: str,
) -> None:
    from etl_framework.errors import ConfigError
    from etl_framework.workbench.inputs import open_inputs, rows_of

    started = time.monotonic()
    pipeline = relation.pipeline
    with open_inputs(project, environment, pipeline, on) as inputs:
        plan = next(plans_of(inputs.project, pipeline.name, environment, [inputs.interval]))
        if plan.unset:
            raise ConfigError(plan.unset)
        columns, rows = rows_of(inputs, plan, relation.name, one_more(wanted), order_by)
        print_rows(columns, rows, format_, wanted)
        seconds = time.monotonic() - started
        read = f", read anew: {', '.join(inputs.read)}" if inputs.read else ""
        about = f"{relation.name}, data interval {inputs.interval}{read}"
        click.echo(f"{about}, {seconds:.1f} s", err=True)
