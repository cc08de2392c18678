"""Compare two versions of a KPI's rows: by key if the KPI has one, otherwise as whole rows."""

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
    """A column before and after: the sum of its numbers, or how many different values it has.

    :param what: `sum` or `values`: what `before` and `after` are.
    :param rows: in how many of the rows that both sides have the value differs; None without a
        key.
    """

    name: str
    what: str
    before: Any
    after: Any
    rows: int | None


@dataclass(frozen=True)
class Comparison:
    """What differs; `KpiDifference` has the same fields and explains them."""

    counts: dict[str, int]
    columns: Sequence[ColumnChange] = ()
    largest: Sequence[tuple[Any, ...]] = ()
    first: Sequence[tuple[Any, ...]] = field(default=())


def counted(session: duckdb.DuckDBPyConnection, table: str, kpi: Kpi, *, new: bool) -> Comparison:
    """Describe a KPI that only one side has: its number of rows and, if it is new, its first rows.

    :param new: the KPI is new; otherwise it was removed.
    """
    rows = _one(session, f"SELECT COUNT(*) FROM {table}")[0]
    counts = dict.fromkeys(("before", "after", "added", "removed", "changed"), 0)
    if not new:
        return Comparison({**counts, "before": rows, "removed": rows})
    shown = [
        literal(MASK) if column.sensitive else quote(column.name) for column in kpi.columns
    ] or ["*"]
    sample = session.execute(f"SELECT {', '.join(shown)} FROM {table} ORDER BY ALL LIMIT {SHOWN}")
    head = tuple(column.name for column in kpi.columns)
    return Comparison({**counts, "after": rows, "added": rows}, first=[head, *sample.fetchall()])


def compared(
    session: duckdb.DuckDBPyConnection,
    tables: tuple[str, str],
    kpi: Kpi,
    was: Kpi,
    hidden: Collection[str],
) -> Comparison:
    """Compare a KPI that both sides have, by the columns that both sides have.

    :param tables: the table with the new rows, then the table with the old rows.
    :param hidden: the lower-case names of columns whose values are not shown.
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
        # A column that changed its kind of type, such as from text to date, is compared as text.
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
        """Return whether no two rows of a side have the same key."""
        named = ", ".join(map(quote, keys))
        repeated = _one(
            self._session,
            " UNION ALL ".join(
                f"SELECT 1 FROM {table} GROUP BY {named} HAVING COUNT(*) > 1"
                for table in (self._now, self._old)
            ),
        )
        return not repeated

    def _value(self, side: str, name: str) -> str:
        """Return SQL for a column's value: `n."day"`, or `CAST(n."day" AS VARCHAR)`."""
        value = f"{side}.{quote(name)}" if side else quote(name)
        return f"CAST({value} AS VARCHAR)" if name in self._as_text else value

    def _as_a_whole(self) -> Comparison:
        """Count the rows that only one side has; without a key, no row can count as changed."""
        # SELECT (SELECT COUNT(*) FROM (old)), (SELECT COUNT(*) FROM (new)),
        #     (SELECT COUNT(*) FROM (new EXCEPT ALL old)),
        #     (SELECT COUNT(*) FROM (old EXCEPT ALL new)), 0
        # with SELECT "country", "plays" FROM "now"."plays" for `new`, and the same FROM "base"
        named = ", ".join(self._value("", column.name) for column in self._shared) or "1"
        new, old = (f"SELECT {named} FROM {table}" for table in (self._now, self._old))
        row_counts = _one(
            self._session,
            f"SELECT (SELECT COUNT(*) FROM ({old})), (SELECT COUNT(*) FROM ({new})), "
            f"(SELECT COUNT(*) FROM ({new} EXCEPT ALL {old})), "
            f"(SELECT COUNT(*) FROM ({old} EXCEPT ALL {new})), 0",
        )
        columns = [self._column(column, None) for column in self._shared]
        return Comparison(
            _counts(row_counts), [change for change in columns if change.before != change.after]
        )

    def _by_key(self) -> Comparison:
        # For the key `day` and the columns `plays` and `users`:
        #   SELECT COUNT(*) FILTER (WHERE o.etl_is IS NOT NULL),   -- rows before
        #       COUNT(*) FILTER (WHERE n.etl_is IS NOT NULL),      -- rows after
        #       COUNT(*) FILTER (WHERE o.etl_is IS NULL),          -- added
        #       COUNT(*) FILTER (WHERE n.etl_is IS NULL),          -- removed
        #       COUNT(*) FILTER (WHERE MATCHED AND (PLAYS OR USERS)),  -- changed
        #       COUNT(*) FILTER (WHERE MATCHED AND PLAYS),         -- changed in `plays`
        #       COUNT(*) FILTER (WHERE MATCHED AND USERS)          -- changed in `users`
        #   FROM (SELECT *, 1 AS etl_is FROM "now"."k") AS n
        #   FULL JOIN (SELECT *, 1 AS etl_is FROM "base"."k") AS o
        #   ON n."day" IS NOT DISTINCT FROM o."day"
        # where MATCHED is n.etl_is IS NOT NULL AND o.etl_is IS NOT NULL, and PLAYS is
        # n."plays" IS DISTINCT FROM o."plays".
        values = [column for column in self._shared if column.name not in self._keys]
        differ = [
            f"{self._value('n', c.name)} IS DISTINCT FROM {self._value('o', c.name)}"
            for c in values
        ]
        both, matched = self._joined(), "n.etl_is IS NOT NULL AND o.etl_is IS NOT NULL"
        any_differs = f"({' OR '.join(differ) or 'false'})"
        filters = ["o.etl_is IS NOT NULL", "n.etl_is IS NOT NULL", "o.etl_is IS NULL"]
        filters += ["n.etl_is IS NULL"]
        filters += [f"{matched} AND {condition}" for condition in (any_differs, *differ)]
        counts = ", ".join(f"COUNT(*) FILTER (WHERE {condition})" for condition in filters)
        row_counts = _one(self._session, f"SELECT {counts} FROM {both}")
        changes = [
            self._column(column, rows) for column, rows in zip(values, row_counts[5:], strict=True)
        ]
        moved = [
            self._moved(column, f"FROM {both} WHERE {matched} AND {differs}")
            for column, differs in zip(values, differ, strict=True)
            if column.name in self._numbers and column.name.lower() not in self._hidden
        ]
        sql = f"SELECT * FROM ({' UNION ALL '.join(moved)})"
        sql += f" ORDER BY ABS(moved) DESC NULLS LAST, 1, 2 LIMIT {SHOWN}"
        largest = self._session.execute(sql).fetchall() if moved else []
        other_rows = row_counts[2] or row_counts[3]
        columns = [c for c in changes if c.rows or (other_rows and c.before != c.after)]
        return Comparison(_counts(row_counts), columns, largest)

    def _joined(self) -> str:
        """Return SQL that joins both sides by key; `etl_is` is NULL on a side without the row."""
        keys = [(self._value("n", key), self._value("o", key)) for key in self._keys]
        on = " AND ".join(f"{new} IS NOT DISTINCT FROM {old}" for new, old in keys)
        now, old = (f"(SELECT *, 1 AS etl_is FROM {table})" for table in (self._now, self._old))
        return f"{now} AS n FULL JOIN {old} AS o ON {on}"

    def _moved(self, column: Column, rows: str) -> str:
        """Return a query that tells for every row by how much a number has changed.

        :param rows: the FROM and WHERE clauses that choose the rows.
        """
        # SELECT COALESCE(CAST(n."day" AS VARCHAR), 'NULL'), 'plays', CAST(o."plays" AS VARCHAR),
        #     CAST(n."plays" AS VARCHAR),
        #     CAST(n."plays" AS DOUBLE) - CAST(o."plays" AS DOUBLE) AS moved FROM ...
        key = " || ', ' || ".join(
            literal(MASK)
            if name.lower() in self._hidden
            else f"COALESCE(CAST(n.{quote(name)} AS VARCHAR), 'NULL')"
            for name in self._keys
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


def _counts(row_counts: Sequence[int]) -> dict[str, int]:
    return dict(zip(("before", "after", "added", "removed", "changed"), row_counts, strict=False))


def _one(session: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """Return the first row of a query, or an empty tuple if there is none."""
    return session.execute(sql).fetchone() or ()
