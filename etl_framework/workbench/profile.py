"""What the columns of a relation hold, measured in one scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column
from etl_framework.sql.quote import literal, quote

if TYPE_CHECKING:
    import duckdb

FEW = 20


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds.

    :param empty: rows without a value.
    :param distinct: how many different values there are.
    :param least: the smallest value; of a text its length in characters. None when all are empty.
    :param values: every value, when there are no more than `FEW`.
    """

    column: Column
    rows: int
    empty: int
    distinct: int
    least: Any
    greatest: Any
    values: Sequence[Any] = ()

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.rows > 0 and self.distinct == self.rows


def profile(
    session: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[Column]
) -> list[ColumnProfile]:
    """Measure every column of a relation that the session sees."""
    parts = ["count(*)"]
    for column in columns:
        name = quote(column.name)
        measured = f"length({name})" if column.type.family == "text" else name
        parts += [
            f"count(*) - count({name})",
            f"count(DISTINCT {name})",
            f"min({measured})",
            f"max({measured})",
        ]
    rows, *found = session.execute(f"SELECT {', '.join(parts)} FROM {quote(relation)}").fetchall()[
        0
    ]
    return [
        _with_values(session, relation, ColumnProfile(column, rows, *found[4 * i : 4 * i + 4]))
        for i, column in enumerate(columns)
    ]


def _with_values(
    session: duckdb.DuckDBPyConnection, relation: str, found: ColumnProfile
) -> ColumnProfile:
    if not 0 < found.distinct <= FEW:
        return found
    name = quote(found.column.name)
    sql = f"SELECT DISTINCT {name} FROM {quote(relation)} WHERE {name} IS NOT NULL ORDER BY 1"
    values = [value for (value,) in session.execute(sql).fetchall()]
    facts = (found.rows, found.empty, found.distinct, found.least, found.greatest)
    return ColumnProfile(found.column, *facts, values)


def matching(session: duckdb.DuckDBPyConnection, relation: str, column: str, pattern: str) -> bool:
    """Whether every value of a column of text matches a regular expression."""
    name = quote(column)
    sql = f"SELECT bool_and(regexp_matches({name}, {literal(pattern)})) FROM {quote(relation)}"
    row = session.execute(sql).fetchone()
    return bool(row and row[0])


def missing(
    session: duckdb.DuckDBPyConnection, relation: str, column: str, parent: str, key: str
) -> int:
    """Rows whose value is not among those of another relation's column."""
    name = quote(column)
    row = session.execute(
        f"SELECT count(*) FROM {quote(relation)} WHERE {name} IS NOT NULL AND {name} NOT IN "
        f"(SELECT {quote(key)} FROM {quote(parent)} WHERE {quote(key)} IS NOT NULL)"
    ).fetchone()
    return int(row[0]) if row else 0
