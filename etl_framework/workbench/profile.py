"""Measure what the columns of a relation contain, in one scan."""

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
    """What one column contains.

    :param empty: how many rows have no value.
    :param distinct: how many different values there are.
    :param least: the smallest value, or for text the smallest length in characters; None if all
        rows are empty.
    :param greatest: the largest value, or for text the largest length.
    :param values: all different values, if there are at most `FEW`.
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
        """Whether every row has a value, and no two rows have the same one."""
        return self.rows > 0 and self.distinct == self.rows


def profile(
    session: duckdb.DuckDBPyConnection, relation: str, columns: Sequence[Column]
) -> list[ColumnProfile]:
    """Measure every column of a relation that the session can read."""
    # SELECT count(*), count(*) - count("user"), count(DISTINCT "user"), min(length("user")),
    #     max(length("user")), ... FROM "plays"
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
    rows, *measures = session.execute(
        f"SELECT {', '.join(parts)} FROM {quote(relation)}"
    ).fetchall()[0]
    return [
        _with_values(session, relation, ColumnProfile(column, rows, *measures[4 * i : 4 * i + 4]))
        for i, column in enumerate(columns)
    ]


def _with_values(
    session: duckdb.DuckDBPyConnection, relation: str, column_profile: ColumnProfile
) -> ColumnProfile:
    if not 0 < column_profile.distinct <= FEW:
        return column_profile
    name = quote(column_profile.column.name)
    sql = f"SELECT DISTINCT {name} FROM {quote(relation)} WHERE {name} IS NOT NULL ORDER BY 1"
    values = [value for (value,) in session.execute(sql).fetchall()]
    facts = (
        column_profile.rows,
        column_profile.empty,
        column_profile.distinct,
        column_profile.least,
        column_profile.greatest,
    )
    return ColumnProfile(column_profile.column, *facts, values)


def matching(session: duckdb.DuckDBPyConnection, relation: str, column: str, pattern: str) -> bool:
    """Return whether every value of a text column matches a regular expression."""
    name = quote(column)
    sql = f"SELECT bool_and(regexp_matches({name}, {literal(pattern)})) FROM {quote(relation)}"
    row = session.execute(sql).fetchone()
    return bool(row and row[0])


def missing(
    session: duckdb.DuckDBPyConnection, relation: str, column: str, parent: str, key: str
) -> int:
    """Count the rows whose value does not occur in a column of another relation.

    :param parent: the other relation.
    :param key: its column.
    """
    name = quote(column)
    row = session.execute(
        f"SELECT count(*) FROM {quote(relation)} WHERE {name} IS NOT NULL AND {name} NOT IN "
        f"(SELECT {quote(key)} FROM {quote(parent)} WHERE {quote(key)} IS NOT NULL)"
    ).fetchone()
    return int(row[0]) if row else 0
