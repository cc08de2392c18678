"""Turn rows written in YAML into SQL with exact types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from etl_framework.columns import ColumnType
from etl_framework.project.sql_tests import Row, Value
from etl_framework.sql.planner import scratch
from etl_framework.sql.quote import literal, quote

# The row and column of a value, and what is wrong with the value.
Misfit = tuple[int, str, str]


def as_select(columns: Mapping[str, str], rows: Sequence[Row]) -> str:
    """Return SQL that gives the rows; a column that a row does not name is NULL.

    :param columns: the name and DuckDB type of every column, in order.
    """
    if not rows:
        nothing = ", ".join(f"CAST(NULL AS {t}) AS {quote(n)}" for n, t in columns.items())
        return f"SELECT {nothing} LIMIT 0"
    # SELECT CAST('1' AS INTEGER) AS "id", CAST(NULL AS VARCHAR) AS "name" UNION ALL SELECT ...
    selects = []
    for row in rows:
        given = {name.lower(): value for name, value in row.items()}
        values = (
            f"CAST({_text(given.get(name.lower()))} AS {type_}) AS {quote(name)}"
            for name, type_ in columns.items()
        )
        selects.append(f"SELECT {', '.join(values)}")
    return " UNION ALL ".join(selects)


def misfits(columns: Mapping[str, str], rows: Sequence[Row]) -> Iterator[Misfit]:
    """Find values that their columns' types cannot hold exactly."""
    types = {name.lower(): type_ for name, type_ in columns.items()}
    cells = [
        (index, name, value, types[name.lower()])
        for index, row in enumerate(rows)
        for name, value in row.items()
        if value is not None and name.lower() in types
    ]
    if not cells:
        return
    tried = ", ".join(f"TRY_CAST({_text(v)} AS {type_}) IS NOT NULL" for _, _, v, type_ in cells)
    session = scratch("UTC")
    try:
        readable = session.execute(f"SELECT {tried}").fetchone() or ()
    finally:
        session.close()
    for (index, name, value, type_), ok in zip(cells, readable, strict=True):
        if not ok:
            yield index, name, f"'{_written(value)}' is not a valid {_shown(type_)}"
        elif _rounded(_written(value), type_):
            yield index, name, f"'{_written(value)}' does not fit {_shown(type_)} exactly"


def _text(value: Value) -> str:
    return "NULL" if value is None else literal(_written(value))


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def _shown(type_: str) -> str:
    known = ColumnType.of_duckdb(type_)
    return str(known) if known else type_.lower()


def _rounded(text: str, type_: str) -> bool:
    """Whether a text is a number that a CAST to the type would round."""
    known = ColumnType.of_duckdb(type_)
    if known is None or known.family not in ("integer", "decimal"):
        return False
    scale = known.arguments[1] if known.family == "decimal" else 0
    try:
        exponent = Decimal(text).normalize().as_tuple().exponent
    except InvalidOperation:
        return False
    return isinstance(exponent, int) and -exponent > scale
