"""The ledger: what was published, for which data interval, with what counts.

It is the table `etl_ledger` in the database of the targets. A row is written in the transaction
that changes the targets. Each pipeline has one row per data interval.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl_framework.columns import Column, ColumnType
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import names, quote

# SQL with `?` for values, and the values.
Statement = tuple[str, tuple[Any, ...]]
TABLE = "etl_ledger"
OF_INTERVAL = "pipeline = ? AND interval_start = ? AND interval_end = ?"
WHAT = "What was published, for which data interval, with what counts."
COLUMNS = [
    Column(name=name, type=ColumnType.parse(type_))
    for name, type_ in {
        "pipeline": "varchar(63)",
        "interval_start": "timestamptz",
        "interval_end": "timestamptz",
        "run_id": "varchar(64)",
        "environment": "varchar(63)",
        "published_at": "timestamptz",
        "sources": "varchar",
        "checks": "varchar",
        "targets": "varchar",
    }.items()
]


@dataclass(frozen=True)
class LedgerEntry:
    """One row of the ledger; the last three fields are stored as JSON lists."""

    pipeline: str
    interval: DataInterval
    run_id: str
    environment: str
    published_at: datetime
    sources: tuple[dict[str, Any], ...]
    checks: tuple[dict[str, Any], ...]
    targets: tuple[dict[str, Any], ...]

    @property
    def of_interval(self) -> tuple[Any, ...]:
        """The values of OF_INTERVAL for this row."""
        return self.pipeline, self.interval.start, self.interval.end

    def values(self) -> tuple[Any, ...]:
        """Return the values of the row, in the order of COLUMNS."""
        lists = (self.sources, self.checks, self.targets)
        return (
            self.pipeline,
            self.interval.start,
            self.interval.end,
            self.run_id,
            self.environment,
            self.published_at,
            *(json.dumps(rows) for rows in lists),
        )

    def statements(self) -> list[Statement]:
        """Return the statements that write the row and replace an earlier row of its interval."""
        table, columns = quote(TABLE), [column.name for column in COLUMNS]
        places = ", ".join("?" for _ in columns)
        return [
            (f"DELETE FROM {table} WHERE {OF_INTERVAL}", self.of_interval),
            (f"INSERT INTO {table} ({names(columns)}) VALUES ({places})", self.values()),
        ]
