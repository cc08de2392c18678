"""The rows of one KPI, to be loaded into its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from etl_framework.columns import Column
from etl_framework.interval import DataInterval
from etl_framework.targets.checks import TargetCheck
from etl_framework.targets.columns import name_there
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target

Older = Literal["refuse", "keep", "replace"]


@dataclass(frozen=True)
class Load:
    """The rows to load into a target.

    :param files: Parquet files with exactly these `columns`, in this order.
    :param rows: the number of rows.
    :param manifest: the address of the list of these files, if staging is in S3.
    :param by_interval: whether these are rows of the data interval alone; None if nobody can tell.
    :param older: what becomes of a table that holds the newest rows, if it holds those of a newer
        data interval: the load is refused, or it leaves them, or it takes their place.
    :param place: where the pipeline's file declares the KPI: path, line, column.
    :param keys: columns that tell all rows of the table apart, beside its primary key.
    :param told: further facts that the ledger keeps of the table's data interval.
    :param checks: what must be true of the whole table once the rows are in it.
    :param staged: a table of the same database that holds the rows, instead of files.
    :param copy: a temporary copy of the target, which the rows are brought into instead.
    """

    target: Target
    columns: tuple[Column, ...]
    files: tuple[str, ...] = ()
    rows: int = 0
    manifest: str = ""
    staged: str = ""
    copy: str = ""
    by_interval: bool | None = None
    older: Older = "refuse"
    description: str = ""
    place: tuple[str, int, int] = ("", 0, 0)
    keys: tuple[tuple[str, ...], ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[TargetCheck, ...] = ()

    def as_it_is(self, here: set[str]) -> Load:
        """The same for a table whose columns may not be renamed yet.

        :param here: the names of the table's columns, in lower case.
        """
        key = next((c for c in self.columns if c.name == self.target.incremental_key), None)
        there = name_there(key, here) if key else None
        if key is None or there in (None, key.name):
            return self
        target = self.target.model_copy(update={"incremental_key": there})
        columns = (c.model_copy(update={"name": there}) if c is key else c for c in self.columns)
        return replace(self, target=target, columns=tuple(columns))

    @property
    def table(self) -> str:
        """The table that the rows are brought into."""
        return self.copy or self.target.table

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(column.name for column in self.columns if column.primary_key)

    @property
    def all_keys(self) -> tuple[tuple[str, ...], ...]:
        """The primary key, if there is one, and the other keys."""
        return (*((self.primary_key,) if self.primary_key else ()), *self.keys)

    @property
    def wanted(self) -> Table:
        """The table that the target must be."""
        return Table.of(self.target, self.columns, self.description, self.place)

    def bounds(self, interval: DataInterval) -> tuple[date | datetime, date | datetime]:
        """Return start and end of an interval in the type of the incremental key.

        They are moments with a time zone, local times, or dates.
        """
        if self._kind_of_key == "timestamptz":
            return interval.start, interval.end
        start, end = interval.start.replace(tzinfo=None), interval.end.replace(tzinfo=None)
        if self._kind_of_key == "date":
            return start.date(), end.date()
        return start, end

    @property
    def interval_form(self) -> str:
        """The condition in a template that selects the rows of the interval."""
        key = self.target.incremental_key
        if self._kind_of_key == "date":
            return (
                f"{key} >= {{{{ interval.date }}}} AND {key} < CAST({{{{ interval.end }}}} AS DATE)"
            )
        return f"{key} >= {{{{ interval.start }}}} AND {key} < {{{{ interval.end }}}}"

    @property
    def _kind_of_key(self) -> str:
        types = {column.name: column.type.name for column in self.columns}
        return types[str(self.target.incremental_key)]
