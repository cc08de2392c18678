"""`etl preview`"""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import click

from etl_framework.cli.completion import queries
from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    limit_option,
    plans_of,
    project_option,
)


@click.command()
@click.argument("name", shell_complete=queries)
@environment_option
@date_option
@click.option("--order-by", metavar="COLUMN", help="`-COLUMN` for largest first.")
@limit_option(10)
@project_option
@format_option("table", "csv", "json")
def preview(
    name: str,
    environment: str | None,
    on: date | None,
    order_by: str | None,
    limit: int,
    root: Path,
    format_: str,
) -> None:
    """Show the rows that a KPI or transform would give, by the SQL as it is now.

    Sources are as the latest run left them in staging; those that it did not leave, or whose block
    has changed since, are read anew. No target changes.

    \b
    etl preview kpis_genre
    etl preview kpis_genre --date 2024-06-25 --order-by -listen_count --limit 50
    """
    from etl_framework.cli.table import FORMATS
    from etl_framework.project.project import load_project
    from etl_framework.workbench.inputs import open_inputs, rows_of

    started = time.monotonic()
    project = load_project(root)
    relation = project.find(name)
    pipeline = relation.pipeline
    with open_inputs(project, environment, pipeline, on) as inputs:
        plan = next(plans_of(inputs.project, pipeline.name, environment, [inputs.interval]))
        columns, rows = rows_of(inputs, plan, relation.name, limit, order_by)
        click.echo(FORMATS[format_](columns, rows))
        seconds = time.monotonic() - started
        read = f", read anew: {', '.join(inputs.read)}" if inputs.read else ""
        about = f"{relation.name}, data interval {inputs.interval}{read}"
        click.echo(f"{about}, {seconds:.1f} s", err=True)
