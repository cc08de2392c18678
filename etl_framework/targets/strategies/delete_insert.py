"""`delete+insert`: rows take the place of those of the data interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.interval import DataInterval
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies.base import Guard, Strategy, insert, keys_once

if TYPE_CHECKING:
    from etl_framework.targets.load import Load
    from etl_framework.targets.target import Target


class DeleteInsert(Strategy):
    """The rows take the place of those of the data interval, by `incremental_key`."""

    name = "delete+insert"
    keys = ("incremental_key",)
    rows_of = "interval"

    def keeps_intervals(self, target: Target) -> bool:
        return True

    def within(self, load: Load, time: DataInterval) -> Statement:
        key = quote(str(load.target.incremental_key))
        return f"{key} >= ? AND {key} < ?", load.bounds(time)

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        key = quote(str(load.target.incremental_key))
        form = load.interval_form
        yield Guard(
            f"SELECT COUNT(*) FROM {quote(stage)} WHERE {key} IS NULL OR {key} < ? OR {key} >= ?",
            load.bounds(entry.interval),
            f"rows for {load.target.table} have a {key} outside of {entry.interval}: {{rows}}",
            f"select only the interval's rows: WHERE {form}",
        )
        hint = "add the interval to its key, or write `on: rows` to a check `unique` of the keys"
        yield from keys_once(load, stage, entry, hint)

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        condition, values = self.within(load, entry.interval)
        delete = f"DELETE FROM {quote_table(load.target.table)} WHERE {condition}"
        return [(delete, values), insert(load, stage, entry)]

    def held(self, load: Load, interval: DataInterval) -> Statement:
        condition, values = self.within(load, interval)
        return f"SELECT COUNT(*) FROM {quote_table(load.target.table)} WHERE {condition}", values

    def unused(self, target: Target, key: str) -> tuple[str, str] | None:
        column = target.incremental_key
        if key != "sort_key" or column in target.sort_key:
            return None
        why = f"each run deletes by '{column}', which the table is not sorted by: it reads all"
        return why, f"write sort_key: [{column}]"
