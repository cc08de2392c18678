"""The same project by push-down on the stand-in of Redshift, against the tables of the local run.

The stand-in is PostgreSQL, which rounds a quotient where Redshift cuts it off: a quotient that
`differences.md` lists may be one unit larger in its last digit, and sums of them are left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
from differences import Differences
from project import Suite, run
from rows import Rows, compare, rows_of

from etl_framework.devstack.stack import Stack

QUOTIENT, SUMMED = "quotient", "from quotients"


def pushed_down(root: Path, suites: Sequence[Suite], known: Differences) -> list[str]:
    """Run the pipelines on the stand-in; what went wrong, and which KPIs differ from local ones."""
    with tempfile.TemporaryDirectory(prefix="etl-dev-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        stack = Stack(Path(folder))
        stack.start()
        try:
            stack.seed(root)
            lines = [f"{name}={value}\n" for name, value in stack.variables.items()]
            (root / ".etl/dev").mkdir(parents=True, exist_ok=True)
            (root / ".etl/dev/env").write_text("".join(lines), encoding="utf-8")
            return [line for suite in suites for line in _differing(root, suite, stack, known)]
        finally:
            stack.stop()


def _differing(root: Path, suite: Suite, stack: Stack, known: Differences) -> Iterator[str]:
    if failed := run(root, suite, "pushdown"):
        yield failed
        return
    compared = [name for name in suite.queries if SUMMED not in known.reasons(_query(suite, name))]
    same = 0
    with (
        duckdb.connect(str(root / ".etl/warehouse.duckdb"), read_only=True) as warehouse,
        closing(_connected(stack)) as connection,
        connection.cursor() as cluster,
    ):
        for name in compared:
            query, table = _query(suite, name), f"{suite.name}_{name}"
            ours = rows_of(warehouse, f"FROM {table}")
            cluster.execute(f"SELECT * FROM {table}")
            # As doubles, decimals are compared to the last digit but one.
            types = [
                (column, "DOUBLE" if type_.startswith("DECIMAL") else type_)
                for column, type_ in ours.columns
            ]
            verdict = compare(ours, Rows(types, cluster.fetchall()))
            rounded = QUOTIENT in known.reasons(query)
            if verdict.wrong or (verdict.columns and not rounded):
                yield f"{query} by push-down: {verdict.wrong or ', '.join(verdict.columns)}"
            else:
                same += 1
    print(f"{suite.name}: {same} of {len(compared)} are the same by push-down")


def _query(suite: Suite, name: str) -> str:
    return f"{suite.name} {name}"


def _connected(stack: Stack) -> Any:
    known = stack.variables
    return psycopg2.connect(
        host=known["ETL_DEV_REDSHIFT_HOST"],
        port=known["ETL_DEV_REDSHIFT_PORT"],
        dbname=known["ETL_DEV_REDSHIFT_DATABASE"],
        user=known["ETL_DEV_REDSHIFT_USER"],
        password=known["ETL_DEV_REDSHIFT_PASSWORD"],
        sslmode="verify-full",
        sslrootcert=known["ETL_DEV_AUTHORITY"],
    )
