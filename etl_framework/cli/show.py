"""`etl show`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.completion import tables
from etl_framework.cli.options import (
    environment_option,
    format_option,
    project_option,
)
from etl_framework.cli.rows import limit_option, most, one_more, print_rows

ROWS = 20


@click.command()
@click.argument("table", shell_complete=tables)
@environment_option
@limit_option(ROWS)
@click.option(
    "--order-by", metavar="COLUMN", help="Sort by this column; -COLUMN for largest first."
)
@project_option
@format_option("table", "csv", "json")
def show(
    table: str,
    environment: str | None,
    limit: int | None,
    order_by: str | None,
    root: Path,
    format_: str,
) -> None:
    """Print rows of a target, of the ledger, the runs, or a source's rejected rows.

    \b
    etl show kpis_genre --order-by -listen_count
    etl show ledger --format json
    etl show runs --limit 5
    etl show quarantine.streams --limit 5
    """
    from etl_framework.project.project import load_project
    from etl_framework.run.show import RUNS, RUNS_IN_A_TABLE, rows_of

    wanted = most(limit, format_, ROWS)
    columns, rows = rows_of(load_project(root), environment, table, order_by, one_more(wanted))
    if table == RUNS and format_ == "table":
        places = [columns.index(name) for name in RUNS_IN_A_TABLE]
        columns, rows = list(RUNS_IN_A_TABLE), [tuple(row[i] for i in places) for row in rows]
    print_rows(columns, rows, format_, wanted)
