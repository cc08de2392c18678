"""Rules about values that may not fit where they are published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.lint.rules.declared import declared
from etl_framework.lint.sql_base import Finding, Query, SqlRule, selects_of
from etl_framework.sql.decimals import decimal_of

if TYPE_CHECKING:
    from sqlglot import exp

    from etl_framework.columns import Column, ColumnType

WHOLE = ("smallint", "integer", "bigint")


class LongText(SqlRule):
    """A text fits into the column that it is published in: a source's, or one that stands there."""

    codes = ("W410",)

    def find(self, query: Query) -> Iterator[Finding]:
        for column, made in _published(query):
            if column.type.family != "text":
                continue
            room = column.type.arguments[0]
            given = _as_it_came(query, made)
            length = given.type.arguments[0] if given and given.type.family == "text" else 0
            if room < length:
                message = f"'{column.name}' has room for {room} bytes, and gets up to {length}"
                hint = f"declare {column.name} as varchar({length}), or cut it with LEFT(...)"
                yield Finding(made, message, hint)
            for text in _literals(made):
                size = len(text.name.encode())
                if room < size:
                    message = f"'{column.name}' has room for {room} bytes, and this text has {size}"
                    yield Finding(text, message, f"declare {column.name} as varchar({size})")


class WideNumber(SqlRule):
    """A source's number fits into the column that it is published in, with all its digits."""

    codes = ("W415",)

    def find(self, query: Query) -> Iterator[Finding]:
        for column, made in _published(query):
            given = _as_it_came(query, made)
            if given and (what := _lost(given.type, column.type)):
                message = f"'{column.name}' is {column.type} and gets {given.type}: {what}"
                hint = f"declare {column.name} as {given.type}, or write ROUND(...) or CAST(...)"
                yield Finding(made, message, hint)


class LostFraction(SqlRule):
    """A number with a fraction is not published as an integer, unless it was made whole."""

    codes = ("W418",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for column, made in _published(query):
            value = made.unalias().unnest()
            if column.type.family != "integer" or _is_whole(value):
                continue
            decimals = value.is_type(exp.DType.DECIMAL) and value.type is not None
            scale = decimal_of(value.type) if decimals and value.type else None
            if (scale and scale[1]) or value.is_type(exp.DType.DOUBLE, exp.DType.FLOAT):
                message = f"'{column.name}' is {column.type} and gets a number with a fraction"
                hint = f"declare {column.name} as a decimal, or write ROUND(...) or CAST(...)"
                yield Finding(made, message, hint)


def _is_whole(value: exp.Expr) -> bool:
    """Return whether an expression makes its value whole, or passes on one that is."""
    from sqlglot import exp

    value = value.unnest()
    if isinstance(value, exp.Round | exp.Trunc):
        digits = value.args.get("decimals")
        return digits is None or digits.sql() == "0"
    if isinstance(value, exp.Coalesce):
        return all(_is_whole(argument) for argument in [value.this, *value.expressions])
    if isinstance(value, exp.Nullif):
        return _is_whole(value.this)
    whole = value.is_type(*exp.DataType.INTEGER_TYPES)
    return whole or isinstance(value, exp.Ceil | exp.Floor | exp.Column | exp.Cast | exp.Null)


def _published(query: Query) -> Iterator[tuple[Column, exp.Expr]]:
    """Return the columns of a KPI's table, with the expression that the query selects for each."""
    kpi = query.checked.pipeline.kpis.get(query.name)
    selects = selects_of(query.tree)
    if kpi and len(kpi.columns) == len(selects):
        yield from zip(kpi.columns, selects, strict=True)


def _as_it_came(query: Query, made: exp.Expr) -> Column | None:
    """Return the source's column that a result passes on unchanged; None if there is none."""
    from sqlglot import exp

    value = made.unalias()
    declaration = declared(query, value) if isinstance(value, exp.Column) else None
    return declaration[1] if declaration else None


def _literals(made: exp.Expr) -> Iterator[exp.Expr]:
    """Return the text literals that may become the value."""
    from sqlglot import exp

    value = made.unalias().unnest()
    if isinstance(value, exp.Literal) and value.is_string:
        yield value
    elif isinstance(value, exp.Case):
        for branch in [
            *(case.args["true"] for case in value.args["ifs"]),
            value.args.get("default"),
        ]:
            yield from _literals(branch) if branch is not None else ()
    elif isinstance(value, exp.Coalesce):
        for argument in [value.this, *value.expressions]:
            yield from _literals(argument)


def _lost(given: ColumnType, wanted: ColumnType) -> str:
    """Return what is lost when a number gets another type; empty if nothing can be lost."""
    if given.name in WHOLE and wanted.name in WHOLE:
        small = WHOLE.index(wanted.name) < WHOLE.index(given.name)
        return "a large one ends the run" if small else ""
    if given.name == "decimal" == wanted.name:
        (digits, scale), (room, places) = given.arguments, wanted.arguments
        if places < scale:
            return f"digits behind the {_th(places)} are rounded off"
        return "a large one ends the run" if room - places < digits - scale else ""
    if given.name == "double precision" and wanted.name == "real":
        return "digits behind the 6th are lost"
    return ""


def _th(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")
