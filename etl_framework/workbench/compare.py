"""Two versions of a KPI's rows, compared: by key where there is one, else row by row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from etl_framework.columns import MASK, Column
from etl_framework.project.models import Kpi
from etl_framework.sql.quote import literal, quote

if TYPE_CHECKING:
    import duckdb

NUMBERS = ("integer", "decimal", "float")
SHOWN = 5


@dataclass(frozen=True)
class ColumnChange:
    """A column before and after: the sum of numbers, else how many values there are.

    :param rows: how many rows, of those in both, have another value; None without a key.
    """

    name: str
    what: str
    before: Any
    after: Any
    rows: int | None


@dataclass(frozen=True)
class Comparison:
    """What differs; the fields are those of `KpiDifference`."""

    counts: dict[str, int]
    columns: Sequence[ColumnChange] = ()
    largest: Sequence[tuple[Any, ...]] = ()
    first: Sequence[tuple[Any, ...]] = field(default=())


def counted(session: duckdb.DuckDBPyConnection, table: str, kpi: Kpi, *, new: bool) -> Comparison:
    """A KPI that is on one side only: how many rows, and of a new one the first of them."""
    rows = _one(session, f"SELECT COUNT(*) FROM {table}")[0]
    counts = dict.fromkeys(("before", "after", "added", "removed", "changed"), 0)
    if not new:
        return Comparison({**counts, "before": rows, "removed": rows})
    shown = [
        literal(MASK) if column.sensitive else quote(column.name) for column in kpi.columns
    ] or ["*"]
    found = session.execute(f"SELECT {', '.join(shown)} FROM {table} ORDER BY ALL LIMIT {SHOWN}")
    head = tuple(column.name for column in kpi.columns)
    return Comparison({**counts, "after": rows, "added": rows}, first=[head, *found.fetchall()])


def compared(
    session: duckdb.DuckDBPyConnection,
    tables: tuple[str, str],
    kpi: Kpi,
    was: Kpi,
    hidden: Collection[str],
) -> Comparison:
    """A KPI that is on both sides, by the columns that both have.

    :param tables: its rows as they are now, and as they were.
    :param hidden: lower-case names of columns whose values are not shown.
    """
    return _Compared(session, tables, kpi, was, hidden).result()


class _Compared:
    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        tables: tuple[str, str],
        kpi: Kpi,
        was: Kpi,
        hidden: Collection[str],
    ) -> None:
        self._session = session
        self._now, self._old = tables
        self._hidden = hidden
        old = {column.name: column for column in was.columns}
        self._shared = [column for column in kpi.columns if column.name in old]
        self._numbers = {
            column.name
            for column in self._shared
            if {column.type.family, old[column.name].type.family} <= set(NUMBERS)
        }
        # Values of two kinds compare as texts.
        self._as_text = {
            column.name
            for column in self._shared
            if column.name not in self._numbers
            and column.type.family != old[column.name].type.family
        }
        keys = [column.name for column in kpi.columns if column.primary_key]
        keys = keys or kpi.target.unique_key
        self._keys = keys if keys and set(keys) <= set(old) and self._unique(keys) else []

    def result(self) -> Comparison:
        return self._by_key() if self._keys else self._as_a_whole()

    def _unique(self, keys: Sequence[str]) -> bool:
        """Whether a key tells the rows of both sides apart."""
        named = ", ".join(map(quote, keys))
        found = _one(
            self._session,
            " UNION ALL ".join(
                f"SELECT 1 FROM {table} GROUP BY {named} HAVING COUNT(*) > 1"
                for table in (self._now, self._old)
            ),
        )
        return not found

    def _value(self, side: str, name: str) -> str:
        value = f"{side}.{quote(name)}" if side else quote(name)
        return f"CAST({value} AS VARCHAR)" if name in self._as_text else value

    def _as_a_whole(self) -> Comparison:
        """Rows that only one side has; without a key none can be told to have changed."""
        named = ", ".join(self._value("", column.name) for column in self._shared) or "1"
        new, old = (f"SELECT {named} FROM {table}" for table in (self._now, self._old))
        found = _one(
            self._session,
            f"SELECT (SELECT COUNT(*) FROM ({old})), (SELECT COUNT(*) FROM ({new})), "
            f"(SELECT COUNT(*) FROM ({new} EXCEPT ALL {old})), "
            f"(SELECT COUNT(*) FROM ({old} EXCEPT ALL {new})), 0",
        )
        columns = [self._column(column, None) for column in self._shared]
        return Comparison(_counts(found), [each for each in columns if each.before != each.after])

    def _by_key(self) -> Comparison:
        values = [column for column in self._shared if column.name not in self._keys]
        differ = [
            f"{self._value('n', c.name)} IS DISTINCT FROM {self._value('o', c.name)}"
            for c in values
        ]
        both, matched = self._joined(), "n.etl_is IS NOT NULL AND o.etl_is IS NOT NULL"
        any_differs = f"({' OR '.join(differ) or 'false'})"
        filters = ["o.etl_is IS NOT NULL", "n.etl_is IS NOT NULL", "o.etl_is IS NULL"]
        filters += ["n.etl_is IS NULL"]
        filters += [f"{matched} AND {each}" for each in (any_differs, *differ)]
        counts = ", ".join(f"COUNT(*) FILTER (WHERE {each})" for each in filters)
        found = _one(self._session, f"SELECT {counts} FROM {both}")
        changes = [
            self._column(column, rows) for column, rows in zip(values, found[5:], strict=True)
        ]
        moved = [
            self._moved(column, f"FROM {both} WHERE {matched} AND {each}")
            for column, each in zip(values, differ, strict=True)
            if column.name in self._numbers and column.name.lower() not in self._hidden
        ]
        sql = f"SELECT * FROM ({' UNION ALL '.join(moved)})"
        sql += f" ORDER BY ABS(moved) DESC NULLS LAST, 1, 2 LIMIT {SHOWN}"
        largest = self._session.execute(sql).fetchall() if moved else []
        other_rows = found[2] or found[3]
        columns = [c for c in changes if c.rows or (other_rows and c.before != c.after)]
        return Comparison(_counts(found), columns, largest)

    def _joined(self) -> str:
        keys = [(self._value("n", key), self._value("o", key)) for key in self._keys]
        on = " AND ".join(f"{new} IS NOT DISTINCT FROM {old}" for new, old in keys)
        now, old = (f"(SELECT *, 1 AS etl_is FROM {table})" for table in (self._now, self._old))
        return f"{now} AS n FULL JOIN {old} AS o ON {on}"

    def _moved(self, column: Column, rows: str) -> str:
        key = " || ', ' || ".join(
            literal(MASK)
            if each.lower() in self._hidden
            else f"COALESCE(CAST(n.{quote(each)} AS VARCHAR), 'NULL')"
            for each in self._keys
        )
        new, old = (f"{side}.{quote(column.name)}" for side in "no")
        return (
            f"SELECT {key}, {literal(column.name)}, CAST({old} AS VARCHAR), "
            f"CAST({new} AS VARCHAR), CAST({new} AS DOUBLE) - CAST({old} AS DOUBLE) AS moved {rows}"
        )

    def _column(self, column: Column, rows: int | None) -> ColumnChange:
        number = column.name in self._numbers
        value = self._value("", column.name)
        what = f"SUM({value})" if number else f"COUNT(DISTINCT {value})"
        before, after = (
            _one(self._session, f"SELECT {what} FROM {table}")[0]
            for table in (self._old, self._now)
        )
        return ColumnChange(column.name, "sum" if number else "values", before, after, rows)


def _counts(found: Sequence[int]) -> dict[str, int]:
    return dict(zip(("before", "after", "added", "removed", "changed"), found, strict=False))


def _one(session: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """The first row; empty when there is none."""
    return session.execute(sql).fetchone() or ()
