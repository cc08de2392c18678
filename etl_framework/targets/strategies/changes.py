"""`scd2` with `updated_at`: the history of rows that say themselves when they have changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.interval import DataInterval
from etl_framework.sql.as_of import VALID_FROM as FROM
from etl_framework.sql.as_of import VALID_TO as TO
from etl_framework.sql.quote import literal, names, quote, quote_table
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies.base import Guard, Strategy, of_interval
from etl_framework.targets.strategies.merge import keys_apart
from etl_framework.targets.strategies.scd2 import CURRENT, Scd2

if TYPE_CHECKING:
    from etl_framework.targets.load import Load
    from etl_framework.targets.target import Target


class Changes(Scd2):
    """Each row is a change: a version of its `unique_key` from `updated_at` until the next one.

    The versions are those of all changes that runs have given, in any order: an older change is
    put between. Of two rows of one key and moment, that of the later data interval is kept. A
    change that a rerun does not give any more stays, for it has been.
    """

    missing = ("keep", "close")
    marks_rows = True
    dates_all_rows = False

    def last_wins(self, target: Target) -> bool:
        return not target.interval_column

    def own_columns(self, target: Target) -> tuple[Column, ...]:
        return (*self.history_columns(target), *Strategy.own_columns(self, target))

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        yield keys_apart(load, stage, [*load.target.unique_key, str(load.target.updated_at)])

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        table, versions = quote_table(load.table), quote(f"{stage}_versions")
        listed = [column.name for column in (*load.columns, *self.own_columns(load.target))]
        first, (since, given) = quote(f"{stage}_first"), self.first(load, stage, entry)
        same = " AND ".join(
            f"{table}.{quote(key)} = {first}.{quote(key)}" for key in load.target.unique_key
        )
        columns = names(listed)
        touched = f"{same} AND ({table}.{TO} IS NULL OR {table}.{TO} >= {first}.etl_first)"
        made, values = self.versions_of(load, stage, entry, touched)
        return [
            (f"CREATE TEMP TABLE {first} AS {since}", given),
            (f"CREATE TEMP TABLE {versions} AS {made}", values),
            (f"DELETE FROM {table} USING {first} WHERE {touched}", ()),
            (f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {versions}", ()),
        ]

    def first(self, load: Load, stage: str, entry: LedgerEntry) -> Statement:
        """A query for the keys whose versions may change, and the moment from which on."""
        keys = names(load.target.unique_key)
        begins = f"SELECT {keys}, MIN({moment(load, entry)}) AS etl_first"
        return f"{begins} FROM {quote(stage)} GROUP BY {keys}", ()

    def marks(self, load: Load) -> list[str]:
        """The column that says which data interval gave a version, if the table has one."""
        return [str(load.target.interval_column)] if load.target.interval_column else []

    def held(self, load: Load, interval: DataInterval) -> Statement:
        if not load.target.interval_column:
            return super().held(load, interval)
        condition, values = of_interval(load, interval)
        return f"SELECT COUNT(*) FROM {quote_table(load.target.table)} WHERE {condition}", values

    def versions_of(self, load: Load, stage: str, entry: LedgerEntry, touched: str) -> Statement:
        """A query for the versions of the changes that are given, and of those from then on.

        For example, for the key `id` and the moment `at`:

            WITH changes AS (
                SELECT "id", "at", ? AS "etl_interval_start", 0 AS etl_given FROM stage
                UNION ALL SELECT "id", "at", "etl_interval_start", 1 FROM t, stage_first WHERE …
            ), apart AS (
                SELECT *, "at" AT TIME ZONE 'UTC' AS etl_begins, ROW_NUMBER() OVER (
                    PARTITION BY "id", "at" ORDER BY "etl_interval_start" DESC, etl_given
                ) AS etl_place
                FROM changes
            ), following AS (
                SELECT *, LEAD(etl_begins) OVER (
                    PARTITION BY "id" ORDER BY etl_begins, "at"
                ) AS etl_ends FROM apart WHERE etl_place = 1
            ) SELECT "id", "at", etl_begins, etl_ends, etl_ends IS NULL, "etl_interval_start"
            FROM following
        """
        own, table = [column.name for column in load.columns], quote_table(load.table)
        marks = self.marks(load)
        keys, at = names(load.target.unique_key), quote(str(load.target.updated_at))
        mark = "".join(f", {quote(name)}" for name in marks)
        there = names([*own, *marks], f"{table}.")
        newest = ", ".join([*(f"{quote(name)} DESC" for name in marks), "etl_given"])
        sql = (
            f"WITH changes AS (SELECT {names(own)}"
            f"{''.join(f', ? AS {quote(name)}' for name in marks)}, 0 AS etl_given "
            f"FROM {quote(stage)} "
            f"UNION ALL SELECT {there}, 1 FROM {table}, {quote(f'{stage}_first')} "
            f"WHERE {touched}), "
            f"apart AS (SELECT *, {moment(load, entry)} AS etl_begins, ROW_NUMBER() OVER "
            f"(PARTITION BY {keys}, {at} ORDER BY {newest}) AS etl_place FROM changes), "
            f"following AS (SELECT *, LEAD(etl_begins) OVER "
            f"(PARTITION BY {keys} ORDER BY etl_begins, {at}) AS etl_ends "
            "FROM apart WHERE etl_place = 1) "
            f"SELECT {names(own)}, etl_begins AS {FROM}, etl_ends AS {TO}, "
            f"etl_ends IS NULL AS {CURRENT}{mark} FROM following"
        )
        return sql, tuple(entry.interval.start for _ in marks)


def moment(load: Load, entry: LedgerEntry) -> str:
    """The moment of `updated_at`: a date or a time without a zone is one of the pipeline's."""
    name = quote(str(load.target.updated_at))
    kind = next(c.type.family for c in load.columns if c.name == load.target.updated_at)
    if kind == "timestamptz":
        return name
    local = f"CAST({name} AS TIMESTAMP)" if kind == "date" else name
    return f"{local} AT TIME ZONE {literal(str(entry.interval.start.tzinfo))}"
