"""Functions over dates and moments, on DuckDB.

Sources: Redshift's Database Developer Guide, "ADD_MONTHS function" (the last day of a month),
"MONTHS_BETWEEN function", "Date parts for date or timestamp functions" (fractions of seconds),
"Interval literals".
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from etl_framework.errors import PlanError, did_you_mean
from etl_framework.sql.names import PARTS, name_part
from etl_framework.sql.parser import AS_FLOAT

if TYPE_CHECKING:
    from sqlglot import exp

_NUMBER = r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))"
_SECONDS = re.compile(rf"\s*{_NUMBER}\s*")
_AMOUNT = re.compile(rf"\s*,?\s*{_NUMBER}\s*(?P<part>[a-zA-Z]+)\s*")


def part_of(node: exp.Extract) -> None:
    """Extract a part of a date: an integer, or for DATE_PART a float with fractions of seconds.

    `EXTRACT(ms FROM t)` becomes `EXTRACT(MILLISECOND FROM t) % 1000`, and `DATE_PART(s, t)` becomes
    `EXTRACT(MICROSECOND FROM t) / 1000000.0`.

    :raises PlanError: there is no such part, or it depends on the time zone of the session.
    """
    from sqlglot import exp

    name_part(node)
    if node.expression.is_type(exp.DType.TIMESTAMPTZ):
        hint = f"write EXTRACT({node.name} FROM ... AT TIME ZONE 'UTC')"
        raise PlanError("a part of a TIMESTAMPTZ depends on the session's time zone", hint)
    if node.expression.is_type(*exp.DataType.TEXT_TYPES):
        node.set("expression", exp.cast(node.expression, "TIMESTAMP"))
    part, as_float = node.name.upper(), node.meta.get(AS_FLOAT)
    value: exp.Expr = node.copy()
    if as_float and part in ("SECOND", "MILLISECOND"):
        value.set("this", exp.var("MICROSECOND"))
        divisor = "1000000.0" if part == "SECOND" else "1000.0"
        value = exp.Div(this=exp.cast(value, "DOUBLE"), expression=exp.Literal.number(divisor))
    elif as_float:
        value = exp.cast(value, "DOUBLE")
    elif part in ("MILLISECOND", "MICROSECOND"):  # DuckDB gives the seconds besides
        value = exp.Mod(this=value, expression=exp.Literal.number(1_000))
    elif part == "EPOCH":
        value = exp.cast(exp.func("FLOOR", value), "BIGINT")
    else:
        return
    node.replace(exp.paren(value))


def add_months(moment: exp.Expr, months: exp.Expr) -> exp.Expr:
    """SQL for ADD_MONTHS, which goes from the last day of a month to the last day of another.

    CASE WHEN LAST_DAY(d) = d THEN LAST_DAY(d + n months) + time of d ELSE d + n months END
    """
    from sqlglot import exp

    moment = exp.cast(moment, "TIMESTAMP")
    interval = exp.Interval(this=exp.paren(months), unit=exp.var("MONTH"))
    added = exp.Add(this=moment, expression=interval)
    last = exp.func("LAST_DAY", exp.cast(added.copy(), "DATE"))
    at = exp.cast(moment.copy(), "TIME")
    is_last = exp.EQ(
        this=exp.func("LAST_DAY", exp.cast(moment.copy(), "DATE")),
        expression=exp.cast(moment.copy(), "DATE"),
    )
    on_last = exp.Add(this=exp.cast(last, "DATE"), expression=at)
    return exp.case().when(is_last, on_last).else_(added)


def months_between(later: exp.Expr, earlier: exp.Expr) -> exp.Expr:
    """SQL for MONTHS_BETWEEN: whole months, and the days and times that are left, of 31 days.

    CASE WHEN day(a) = day(b) OR (a = last_day(a) AND b = last_day(b)) THEN months
         ELSE months + (day(a) - day(b) + (time(a) - time(b)) / one day) / 31 END
    """
    import sqlglot
    from sqlglot import exp

    months = "(YEAR(a) - YEAR(b)) * 12 + MONTH(a) - MONTH(b)"
    ends = "CAST(a AS DATE) = LAST_DAY(a) AND CAST(b AS DATE) = LAST_DAY(b)"
    rest = "DAY(a) - DAY(b) + (EPOCH(CAST(a AS TIME)) - EPOCH(CAST(b AS TIME))) / 86400"
    written = (
        f"CASE WHEN DAY(a) = DAY(b) OR ({ends}) THEN CAST({months} AS DOUBLE) "
        f"ELSE CAST({months} AS DOUBLE) + ({rest}) / 31 END"
    )
    sides = {"a": exp.cast(later, "TIMESTAMP"), "b": exp.cast(earlier, "TIMESTAMP")}

    def filled(inner: exp.Expr) -> exp.Expr:
        return sides[inner.name].copy() if isinstance(inner, exp.Column) else inner

    return exp.paren(sqlglot.parse_one(written, read="duckdb").transform(filled))


def known_zone(node: exp.Expr) -> None:
    """Refuse zones that DuckDB does not know, and abbreviations: PST is without summer time.

    :raises PlanError: a zone that is written as a text is none, or is abbreviated.
    """
    from sqlglot import exp

    if isinstance(node, exp.AtTimeZone) and isinstance(node.this, exp.TsOrDsAdd):
        added = exp.paren(node.this.copy())  # older versions of sqlglot set no brackets
        added.type = node.this.type
        node.set("this", added)
    zones = [node.args.get(key) for key in ("zone", "source_tz", "target_tz")]
    if isinstance(node.this, str):
        zones = node.expressions[:1]
    for zone in zones:
        if zone is None or not zone.is_string or zone.name.upper() in ("UTC", "GMT"):
            continue
        if zone.name.isupper() and "/" not in zone.name:
            hint = "write the name of a place, such as 'Europe/Berlin'"
            raise PlanError(f"the time zone '{zone.name}' has no summer time on Redshift", hint)
        if zone.name.lower() not in _zones():
            hint = did_you_mean(zone.name, _zones().values())
            raise PlanError(f"there is no time zone '{zone.name}'", hint)


@cache
def _zones() -> dict[str, str]:
    """The names of all time zones, by their small letters."""
    return {name.lower(): name for name in available_timezones()}


def date_of(node: exp.LastDay | exp.NextDay) -> None:
    """Read a text as the date that a function takes."""
    from sqlglot import exp

    if node.this.is_type(*exp.DataType.TEXT_TYPES, exp.DType.TIMESTAMPTZ):
        node.set("this", exp.cast(node.this, "DATE"))


def name_amounts(node: exp.Interval) -> None:
    """Write the amounts of an interval in DuckDB's words: `3h, 35 mins` as `3 hour 35 minute`.

    An amount without a part is one of seconds.

    :raises PlanError: it is no interval.
    """
    from sqlglot import exp

    text = node.this
    if not (isinstance(text, exp.Literal) and text.is_string):
        return
    if unit := node.args.get("unit"):
        part = PARTS.get(unit.name.lower(), unit.name.lower())
        if text.name.strip("-+").isdigit():
            node.set("unit", exp.var(part.upper()))
        else:  # INTERVAL '0.5 day', where '0.5' DAY would be none
            node.set("this", exp.Literal.string(f"{text.name} {part}"))
            node.set("unit", None)
        return
    if _SECONDS.fullmatch(text.name):
        node.set("this", exp.Literal.string(f"{text.name.strip()} second"))
        return
    amounts, end = [], 0
    while match := _AMOUNT.match(text.name, end):
        part = match["part"].lower()
        amounts.append(f"{match['number']} {PARTS.get(part, part)}")
        end = match.end()
    if end < len(text.name) or not amounts:
        raise PlanError(f"'{text.name}' is no interval", "write it like '1 day 2 hours'")
    node.set("this", exp.Literal.string(" ".join(amounts)))
