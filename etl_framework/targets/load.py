"""The rows of one KPI, to be loaded into its target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from etl_framework.columns import Column
from etl_framework.interval import DataInterval
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target


@dataclass(frozen=True)
class Load:
    """The rows to load into a target.

    :param files: Parquet files with exactly these `columns`, in this order.
    :param rows: the number of rows.
    :param manifest: the address of the list of these files, if staging is in S3.
    :param staged: a table of the same database that holds the rows, instead of files.
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
        """The table that the target must be."""
        return Table(self.target, self.columns, self.description)

    def bounds(self, interval: DataInterval) -> tuple[date | datetime, date | datetime]:
        """Return start and end of an interval in the type of the incremental key.

        They are moments with a time zone, local times, or dates.
        """
        types = {column.name: column.type.name for column in self.columns}
        kind = types[str(self.target.incremental_key)]
        if kind == "timestamptz":
            return interval.start, interval.end
        start, end = interval.start.replace(tzinfo=None), interval.end.replace(tzinfo=None)
        if kind == "date":
            return start.date(), end.date()
        return start, end
