"""What a number, a date and a time is, as texts: one rule for every way of reading them.

The forms are those of PostgreSQL's input, with four digits for a year, with zones as numbers or as
`Europe/Berlin`, and without `_` in numbers. DuckDB reads more, and drops what it does not know.
"""

from __future__ import annotations

from etl_framework.columns import Column
from etl_framework.sql.quote import quote
from etl_framework.sql.text_form import MOMENTS

# The texts of moments, without spaces around them.
_DAY = r"(\d{4}|[1-9]\d{4,5})[-/]\d{1,2}[-/]\d{1,2}"
_CLOCK = r"( +|T)\d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,6}0*)?)?"
_ZONE = r"[zZ]|UTC|GMT|[+-](0?\d|1[0-5])(:?[0-5]\d(:?[0-5]\d)?)?|[A-Z]\w+(/[\w+-]+)+"
_MIDNIGHT = r"([ T]0?0:00(:00(\.0*)?)?)?"
_TIME = f"({_CLOCK})?"
_TIME_AND_ZONE = f"({_CLOCK}( ?({_ZONE}))?)?"


def read_type(column: Column) -> str:
    """The DuckDB type with which a column is read; it keeps what the declared type would round.

    DuckDB compares and casts DOUBLE and DECIMAL up to 18 digits several times faster than wider
    types; a DOUBLE holds every 32-bit integer exactly.
    """
    if column.type.name in ("smallint", "integer", "real"):
        return "DOUBLE"
    if column.type.name == "bigint":
        return "DECIMAL(38,18)"
    if column.type.family == "decimal":
        digits, scale = column.type.arguments
        # One digit more before the point than declared, or DuckDB 1.4 refuses the largest values.
        room = 18 if digits < 17 else 38
        return f"DECIMAL({room},{max(scale, room - digits + scale - 1)})"
    return column.type.duckdb


def changed_when_read(column: Column) -> str:
    """Return SQL that is true if a text in a file says more than its value; empty if none can.

    A text that is no value at all is refused when it is read.
    """
    # CASE WHEN strlen("day") > 10 THEN (NOT regexp_full_match(trim("day"), '...'))
    #   AND TRY_CAST("day" AS DATE) IS NOT NULL ELSE false END
    perhaps, name = _perhaps_changed(column), quote(column.name)
    if not perhaps:
        return ""
    # DuckDB's reader takes more texts for a date than its CAST does.
    readable = f"TRY_CAST({name} AS {read_type(column)}) IS NOT NULL"
    if column.type.family in MOMENTS:
        readable = f"({readable} OR regexp_matches({name}, '^ *[+-]?[0-9]+[-/][0-9]+[-/][0-9]'))"
    return f"CASE WHEN {perhaps} THEN ({changed(column, name)}) AND {readable} ELSE false END"


def _perhaps_changed(column: Column) -> str:
    """Return SQL for a quick test, which is also true for some texts that are not changed."""
    name, family = quote(column.name), column.type.family
    shortened = (
        f"strlen({name}) < 8 OR contains(left({name}, 4), '-') OR contains(left({name}, 4), '/') "
        f"OR ascii(ltrim({name})) = 48 OR contains({name}, '(')"
    )
    if family == "date":
        ends = f"right({name}, 1) NOT BETWEEN '0' AND '9'"  # 2024-8-05Z
        return f"strlen({name}) <> 10 OR {ends} OR {shortened}"
    if family == "timestamp":
        return (
            f"strlen({name}) > 26 OR regexp_matches({name}, '[A-SU-Za-z+]|[ T][0-9]{{3}}|: ') "
            f"OR contains(substr({name}, 12), '-') OR {shortened}"
        )
    if family == "timestamptz":
        ends = r"\.[0-9]{7}|[A-SU-Ya-su-y]|[ T][0-9]{3}|: |[+-](1[6-9]|[2-9][0-9])[0-9:]*$"
        return f"regexp_matches({name}, '{ends}') OR {shortened}"
    odd_number = f"contains({name}, 'e') OR contains({name}, 'E') OR contains({name}, '_')"
    odd_number += f" OR contains({name}, '+-')"
    if family == "float":
        return f"{odd_number} OR isinf(TRY_CAST({name} AS DOUBLE))"
    if column.type.name in ("smallint", "integer"):
        # Read as DOUBLE, which has fifteen digits: enough for every fraction that people write.
        return odd_number
    if family in ("integer", "decimal"):
        held = int(read_type(column).rstrip(")").rpartition(",")[2])
        return f"(strlen({name}) > {held + 1} AND contains({name}, '.')) OR {odd_number}"
    return ""


def changed(column: Column, text: str) -> str:
    """Return SQL that is true if a text is none of its column's type, or says more than its value.

    A `timestamp` has no time zone and six digits behind the second; a `date` has no time of day. A
    text that cannot be read is not looked at.

    :param text: the text, as SQL.
    """
    family = column.type.family
    if family in MOMENTS:
        form = _DAY + {"date": _MIDNIGHT, "timestamp": _TIME, "timestamptz": _TIME_AND_ZONE}[family]
        # There is no year 0.
        return f"NOT regexp_full_match(trim({text}), '{form}') OR trim({text}) ^@ '0000'"
    value_ = f"TRY_CAST({text} AS DOUBLE)"
    least = f"CAST({value_} AS FLOAT)" if column.type.name == "real" else value_
    nothing = f"{least} = 0 AND regexp_matches({text}, '^[^eE]*[1-9]')"
    odd_number = f"contains({text}, '_') OR contains({text}, '+-') OR ({nothing})"
    if family == "float":
        word = "[+-]?inf(inity)?"
        infinite = f"isinf({value_}) AND NOT regexp_full_match(lower(trim({text})), '{word}')"
        return f"{odd_number} OR ({infinite})"
    if family in ("integer", "decimal"):
        scale = column.type.arguments[1] if family == "decimal" else 0
        read = f"TRY_CAST({text} AS {column.type.duckdb})"
        # Of fifteen digits a DOUBLE tells whether all were kept, of more a wide DECIMAL, too.
        wide = "AS DECIMAL(38,18))"
        power = (
            f"({value_} IS DISTINCT FROM CAST({read} AS DOUBLE) OR (strlen({text}) > 15 "
            f"AND TRY_CAST({text} {wide} IS DISTINCT FROM TRY_CAST({read} {wide}))"
        )
        return (
            rf"regexp_full_match(trim({text}), '[+-]?\d*\.\d{{{scale}}}\d*[1-9]\d*') "
            f"OR (contains(lower({text}), 'e') AND {power}) OR {odd_number}"
        )
    return "false"


def is_none(column: Column, text: str) -> str:
    """Return SQL that is true for a text that DuckDB reads, but that is no value of the type."""
    if column.type.family in MOMENTS:
        return rf"NOT regexp_matches(trim({text}), '^\d{{4,6}}[-/]')"
    return f"contains({text}, '_') OR contains({text}, '+-')"
