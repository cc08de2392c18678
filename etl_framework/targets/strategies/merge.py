"""`merge`: rows take the place of those with the same key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from etl_framework.checks.primary_key import PrimaryKey
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies.base import (
    Guard,
    Strategy,
    insert,
    marked,
    of_interval,
    same_key,
)
from etl_framework.targets.strategies.replace import Replace

if TYPE_CHECKING:
    from etl_framework.targets.load import Load
    from etl_framework.targets.target import Target


class Merge(Strategy):
    """The rows take the place of those with the same `unique_key`, unless those are newer.

    A row is newer if it came from a later data interval. A run of an interval that was published
    before also takes away the rows that came from it and that it does not give any more.
    """

    name = "merge"
    keys = ("unique_key",)
    missing: ClassVar[tuple[str, ...]] = ("keep", "delete")
    marks_rows = True

    def last_wins(self, target: Target) -> bool:
        return not self.own_columns(target)

    def restates(self, target: Target) -> bool:
        return bool(self.own_columns(target))

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        yield keys_apart(load, stage, load.target.unique_key)
        if self.marks_rows and load.target.interval_column:
            _, overlapping = marked(load, entry)  # rows that know no interval are the oldest
            yield overlapping

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        table, staged = quote_table(load.target.table), quote(stage)
        same = same_key(load, stage, load.target.unique_key)
        if not self.own_columns(load.target):
            delete = f"DELETE FROM {table} USING {staged} WHERE {same}"
            return [(delete, ()), insert(load, stage, entry)]
        condition, values = of_interval(load, entry.interval)
        mark = f"{table}.{quote(str(load.target.interval_column))}"
        older = f"({mark} IS NULL OR {mark} < ?)"
        newer = f" WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {same})"
        return [
            (f"DELETE FROM {table} WHERE {condition}", values),
            (
                f"DELETE FROM {table} USING {staged} WHERE {same} AND {older}",
                (entry.interval.start,),
            ),
            insert(load, stage, entry, (newer, ())),
        ]

    def inserted(self, load: Load, stage: str, entry: LedgerEntry) -> Statement:
        if not self.own_columns(load.target):
            return super().inserted(load, stage, entry)
        return self.held(load, entry.interval)

    def unused(self, target: Target, key: str) -> tuple[str, str] | None:
        if key != "dist_key" or target.dist_key in target.unique_key:
            return None
        joined = ", ".join(target.unique_key)
        why = f"each run joins by {joined}, and rows lie by another column"
        return why, f"write dist_key: {target.unique_key[0]}"


class MergeAll(Replace):
    """`merge` with `on_missing: delete`: the rows are the table, each with a `unique_key`."""

    name = "merge"
    keys = ("unique_key",)
    missing = Merge.missing

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        yield keys_apart(load, stage, load.target.unique_key)
        yield from super().guards(load, stage, entry)


def keys_apart(load: Load, stage: str, columns: list[str]) -> Guard:
    """That no two rows of a run have the same values in some columns, and each has all of them."""
    check = PrimaryKey(type="primary_key", columns=columns)
    return Guard(
        f"SELECT COALESCE(SUM(failing), 0) FROM ({check.groups(quote(stage))}) AS keys",
        (),
        f"rows for {load.target.table} have no {_named(load, columns)} of their own: {{rows}}",
        f"give one row for each {', '.join(columns)}, never empty",
    )


def _named(load: Load, columns: list[str]) -> str:
    added = [column for column in columns if column not in load.target.unique_key]
    return " and ".join(["unique_key", *added])
