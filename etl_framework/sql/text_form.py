"""How texts of files write numbers, booleans and moments, and SQL that gives them their usual form.

The usual form is that of PostgreSQL: 1234.5, true, 2024-01-31 10:30:00.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from etl_framework.columns import Column
from etl_framework.sql.moment_formats import EPOCHS, strptime_format
from etl_framework.sql.quote import literal

MOMENTS = ("date", "timestamp", "timestamptz")
NUMBERS = ("integer", "decimal", "float")


@dataclass(frozen=True)
class TextForm:
    """How all columns of a source write their values.

    :param thousands: the character between groups of three digits; empty if there is none.
    :param true: the texts that mean true; with `false`, no others are booleans.
    :param formats: the names of columns of dates and times, each with its format.
    :param also_usual: whether texts in the usual form are read too, as in corrections, where the
        values of rows that broke a check have it.
    """

    decimal: str = "."
    thousands: str = ""
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    formats: tuple[tuple[str, str], ...] = ()
    also_usual: bool = False

    def or_usual(self) -> TextForm:
        """The same form, beside which the usual one is read too."""
        return replace(self, also_usual=True)


USUAL = TextForm()


def usual(column: Column, form: TextForm, text: str) -> str:
    """SQL for a text in its usual form; NULL for a text that does not have the declared form.

    It is `text` itself for a column whose texts have the usual form already.

    :param text: the text, as SQL.
    """
    declared = _declared(column, form, text)
    return f"coalesce({declared}, {text})" if form.also_usual and declared != text else declared


def _declared(column: Column, form: TextForm, text: str) -> str:
    family = column.type.family
    written = dict(form.formats).get(column.name)
    if written and family in MOMENTS:
        return _moment(written, text)
    if family in NUMBERS and (form.decimal, form.thousands) != (USUAL.decimal, USUAL.thousands):
        return _number(form, text)
    if family == "boolean" and form.true:
        # CASE WHEN "paid" IN ('ja') THEN 'true' WHEN "paid" IN ('nein') THEN 'false' END
        true, false = literal(form.true), literal(form.false)
        return f"CASE WHEN {text} IN {true} THEN 'true' WHEN {text} IN {false} THEN 'false' END"
    return text


def _number(form: TextForm, text: str) -> str:
    # CASE WHEN regexp_full_match(trim("price"), '...') THEN
    #   replace(replace("price", '.', ''), ',', '.') END
    point, between = re.escape(form.decimal), re.escape(form.thousands)
    whole = rf"(\d+|\d{{1,3}}({between}\d{{3}})+)" if form.thousands else r"\d+"
    pattern = rf"[+-]?({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
    without = f"replace({text}, {literal(form.thousands)}, '')" if form.thousands else text
    plain = f"replace({without}, {literal(form.decimal)}, '.')"
    return f"CASE WHEN regexp_full_match(trim({text}), {literal(pattern)}) THEN {plain} END"


def _moment(written: str, text: str) -> str:
    if factor := EPOCHS.get(written.upper()):
        # CAST(make_timestamp(CAST(TRY_CAST("at" AS DECIMAL(38,6)) * 1000000 AS BIGINT)) AS VARCHAR)
        number = f"TRY_CAST({text} AS DECIMAL(38,6)) * {factor}"
        return f"CAST(make_timestamp(TRY_CAST({number} AS BIGINT)) AS VARCHAR)"
    # CASE WHEN year(try_strptime("day", '%d.%m.%Y')) >= 1000
    #   THEN CAST(try_strptime("day", '%d.%m.%Y') AS VARCHAR) END
    moment = f"try_strptime({text}, {literal(strptime_format(written))})"
    return (
        f"CASE WHEN isfinite({moment}) AND year({moment}) >= 1000 AND lower(trim({text})) <> "
        f"'epoch' THEN CAST({moment} AS VARCHAR) END"
    )
