"""`etl sql`"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    plans_of,
    project_option,
)
from etl_framework.cli.rows import limit_option, most, one_more, print_rows

ROWS = 20


@click.command()
@click.argument("query")
@click.option(
    "--in",
    "pipeline",
    metavar="PIPELINE",
    shell_complete=pipelines,
    help="Whose sources, transforms and KPIs are meant, if several have the names.",
)
@environment_option
@date_option
@limit_option(ROWS)
@project_option
@format_option("table", "csv", "json")
def sql(
    query: str,
    pipeline: str | None,
    environment: str | None,
    on: date | None,
    limit: int | None,
    root: Path,
    format_: str,
) -> None:
    """Ask anything of sources, transforms, KPIs and published tables, in Redshift's SQL.

    A name alone is what a preview shows: sources as the latest run left them, the rest by the SQL
    as it is now. `target.NAME` is the KPI's table as it was published; `history.runs` and
    `history.checks` are the runs so far. QUERY may be `-`, for standard input. Nothing changes.

    \b
    etl sql "SELECT COUNT(*) FROM streams WHERE user_id IS NULL"
    etl sql "SELECT n.genre, n.listen_count - p.listen_count FROM kpis_genre AS n
             JOIN target.kpis_genre AS p ON p.genre = n.genre AND p.day = n.day"
    etl sql "SELECT interval_start, state, error FROM history.runs ORDER BY started_at"
    """
    from etl_framework.project.project import load_project
    from etl_framework.workbench.inputs import open_inputs
    from etl_framework.workbench.query import Query, answer, pipeline_of

    project = load_project(root)
    text = sys.stdin.read() if query == "-" else query
    model = pipeline_of(project, text, pipeline)
    wanted = most(limit, format_, ROWS)
    with open_inputs(project, environment, model, on) as inputs:
        plan = next(plans_of(inputs.project, model.name, environment, [inputs.interval]))
        asked = Query.of(project, text, plan.interval)
        columns, rows = answer(inputs, plan, asked, one_more(wanted))
    print_rows(columns, rows, format_, wanted)
