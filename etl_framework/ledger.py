"""The ledger: what was published, for which data interval, with what counts.

It is a table beside the targets, `etl_ledger`, and its row is written in the transaction that
changes them. One pipeline has one row per data interval.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl_framework.columns import Column, ColumnType
from etl_framework.interval import DataInterval

TABLE = "etl_ledger"
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
    """One row of the ledger; the last three are lists of plain dictionaries, kept as JSON."""

    pipeline: str
    interval: DataInterval
    run_id: str
    environment: str
    published_at: datetime
    sources: tuple[dict[str, Any], ...]
    checks: tuple[dict[str, Any], ...]
    targets: tuple[dict[str, Any], ...]

    def values(self) -> tuple[Any, ...]:
        """The row, in the order of COLUMNS."""
        lists = (self.sources, self.checks, self.targets)
        return (
            self.pipeline,
            self.interval.start,
            self.interval.end,
            self.run_id,
            self.environment,
            self.published_at,
            *(json.dumps(found) for found in lists),
        )
