"""The rows of one KPI, on their way into its target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from etl_framework.columns import Column
from etl_framework.interval import DataInterval
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target


@dataclass(frozen=True)
class Load:
    """What is loaded.

    :param files: Parquet files whose columns are `columns`, in order.
    :param manifest: where in S3 the list of these files lies, when staging is there.
    :param staged: a table of the same database that holds the rows, in place of files.
    """

    target: Target
    columns: tuple[Column, ...]
    files: tuple[str, ...]
    rows: int
    manifest: str = ""
    staged: str = ""
    description: str = ""

    @property
    def wanted(self) -> Table:
        """The target as it should be."""
        return Table(self.target, self.columns, self.description)

    def bounds(self, interval: DataInterval) -> tuple[date | datetime, date | datetime]:
        """The interval as the incremental key holds time: in the zone, local, or whole days."""
        types = {column.name: column.type.name for column in self.columns}
        kind = types[str(self.target.incremental_key)]
        if kind == "timestamptz":
            return interval.start, interval.end
        start, end = interval.start.replace(tzinfo=None), interval.end.replace(tzinfo=None)
        if kind == "date":
            return start.date(), end.date()
        return start, end
