"""Turn names and values into SQL text. No other module may do this."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from math import isfinite


def quote(name: str) -> str:
    """Quote an identifier: `a"b` becomes `"a""b"`."""
    return '"' + name.replace('"', '""') + '"'


def quote_table(name: str) -> str:
    """Quote a table's name: `s.t` becomes `"s"."t"`."""
    return ".".join(quote(part) for part in name.split("."))


def names(columns: list[str] | tuple[str, ...], prefix: str = "") -> str:
    """Quote identifiers and join them with commas; each gets `prefix`: `t."a", t."b"`."""
    return ", ".join(prefix + quote(column) for column in columns)


def literal(value: object) -> str:
    """Write a value as an SQL literal that every engine reads.

    :raises TypeError: the value is of a type that has no SQL form.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | Decimal) and not isfinite(value):
        return f"CAST('{value}' AS DOUBLE PRECISION)"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat(sep=" ")
        return f"TIMESTAMP '{text}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        if "\0" in value:
            raise TypeError("text with a NUL character has no SQL form")
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(literal(item) for item in value) + ")"
    raise TypeError(f"a {type(value).__name__} has no SQL form")


def redshift_literal(value: object) -> str:
    """Write a value as a literal in Redshift's dialect, where a backslash in a text is an escape.

    :raises TypeError: the value is of a type that has no SQL form.
    """
    return literal(value).replace("\\", "\\\\")
