"""SQL that types the columns of CSV files, and finds values that the types would change."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.columns import Column
from etl_framework.sql.quote import literal, quote

# The text of `error()`, which stops a query; it tells this error from all others.
INEXACT = "etl: inexact"
LARGEST_REAL = "3.4028234663852886e38"


def read_type(column: Column) -> str:
    """The DuckDB type with which a column is read; it keeps what the declared type would round.

    DuckDB compares and casts DOUBLE and DECIMAL up to 18 digits several times faster than wider
    types; a DOUBLE holds every 32-bit integer exactly.
    """
    if column.type.name in ("smallint", "integer"):
        return "DOUBLE"
    if column.type.name == "real":
        return "DOUBLE"
    if column.type.name == "bigint":
        return "DECIMAL(38,18)"
    if column.type.family == "decimal":
        digits, scale = column.type.arguments
        # One digit more before the point than declared, or DuckDB 1.4 refuses the largest values.
        room = 18 if digits < 17 else 38
        return f"DECIMAL({room},{max(scale, room - digits + scale - 1)})"
    return column.type.duckdb


def value(column: Column) -> str:
    """Return SQL for the value in its declared type."""
    # CAST(round("price", 2) AS DECIMAL(10,2))
    name = quote(column.name)
    if read_type(column) == column.type.duckdb:
        return name
    return f"CAST({_scaled(column)} AS {column.type.duckdb})"


def _scaled(column: Column) -> str:
    """Return SQL for the value as it was read, rounded to the scale of its declared type.

    In DuckDB 1.4 a CAST to a smaller scale fails for the largest values of a decimal.
    """
    name = quote(column.name)
    return f"round({name}, {column.type.arguments[1]})" if _is_wider(column) else name


def _is_wider(column: Column) -> bool:
    return column.type.family == "decimal" and read_type(column) != column.type.duckdb


def value_or_error(column: Column, also: str = "") -> str:
    """Return SQL for the value in its declared type, which stops the query if that changes it.

    This is faster than `inexact`, because it does not look for what a CAST refuses by itself.

    :param also: SQL that is true for other values that stop the query.
    """
    # CASE WHEN trunc("id") <> "id" THEN CAST(error('etl: inexact') AS INTEGER)
    #   ELSE CAST("id" AS INTEGER) END
    name, type_ = quote(column.name), column.type.duckdb
    changes = inexact(column)
    if column.type.name in ("smallint", "integer"):
        changes = f"trunc({name}) <> {name}"
    elif column.type.family in ("integer", "decimal"):
        changes = f"CAST({_scaled(column)} AS {type_}) <> {name}"
    changes = " OR ".join(filter(None, (changes, also)))
    if not changes:
        return value(column)
    return f"CASE WHEN {changes} THEN CAST(error('{INEXACT}') AS {type_}) ELSE {value(column)} END"


def inexact(column: Column) -> str:
    """Return SQL that is true if the declared type would change the value; empty if none can."""
    # TRY_CAST("id" AS INTEGER) IS DISTINCT FROM "id"
    name = quote(column.name)
    if column.type.family == "text":
        return f"strlen({name}) > {column.type.arguments[0]}"
    if column.type.family in ("integer", "decimal"):
        return f"TRY_CAST({_scaled(column)} AS {column.type.duckdb}) IS DISTINCT FROM {name}"
    if column.type.name == "real":
        return f"isfinite({name}) AND abs({name}) > {LARGEST_REAL}"
    if column.type.family in ("date", "timestamp", "timestamptz"):
        return f"NOT isfinite({name})"
    return ""


def changed_when_read(column: Column) -> str:
    """Return SQL that is true if a text in a file says more than its value; empty if none can.

    A text that is no value at all is refused when it is read.
    """
    # CASE WHEN strlen("day") > 10 THEN (NOT regexp_full_match(trim("day"), '...'))
    #   AND TRY_CAST("day" AS DATE) IS NOT NULL ELSE false END
    perhaps, name = _perhaps_changed(column), quote(column.name)
    if not perhaps:
        return ""
    readable = f"TRY_CAST({name} AS {read_type(column)}) IS NOT NULL"
    return f"CASE WHEN {perhaps} THEN ({changed(column, name)}) AND {readable} ELSE false END"


def _perhaps_changed(column: Column) -> str:
    """Return SQL for a quick test, which is also true for some texts that are not changed."""
    name = quote(column.name)
    if column.type.family == "date":
        return f"strlen({name}) > 10"
    if column.type.family == "timestamp":
        return (
            f"strlen({name}) > 26 OR ascii(right({name}, 1)) > 57 OR contains({name}, '+') "
            f"OR contains(substr({name}, 12), '-')"
        )
    if column.type.family == "timestamptz":
        return f"regexp_matches({name}, '\\.[0-9]{{7}}')"
    if column.type.name in ("smallint", "integer"):
        # Read as DOUBLE, which has fifteen digits: enough for every fraction that people write.
        return ""
    if column.type.family in ("integer", "decimal"):
        held = int(read_type(column).rstrip(")").rpartition(",")[2])
        powers = f"contains({name}, 'e') OR contains({name}, 'E')"
        return f"(strlen({name}) > {held + 1} AND contains({name}, '.')) OR {powers}"
    return ""


def changed(column: Column, text: str) -> str:
    """Return SQL that is true if a column's text says more than its value; empty if none can.

    A `timestamp` has no time zone and six digits behind the second; a `date` has no time of day.

    :param text: the text, as SQL.
    """
    day = r"\d{1,6}[-/]\d{1,2}[-/]\d{1,2}( \(BC\))?"
    if column.type.family == "date":
        midnight = r"([ T]0?0:00(:00(\.0*)?)?)?"
        return f"NOT regexp_full_match(trim({text}), '{day}{midnight}')"
    if column.type.family == "timestamp":
        time = r"([ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6}0*)?)?)?"
        return f"NOT regexp_full_match(trim({text}), '{day}{time}')"
    if column.type.family == "timestamptz":
        return rf"regexp_matches({text}, '\.\d{{6}}\d*[1-9]')"
    if column.type.family in ("integer", "decimal"):
        scale = column.type.arguments[1] if column.type.family == "decimal" else 0
        value_ = f"CAST(TRY_CAST({text} AS {column.type.duckdb}) AS DOUBLE)"
        power = f"(strlen({text}) > 15 OR TRY_CAST({text} AS DOUBLE) IS DISTINCT FROM {value_})"
        return (
            rf"regexp_full_match(trim({text}), '[+-]?\d*\.\d{{{scale}}}\d*[1-9]\d*') "
            f"OR (contains(lower({text}), 'e') AND {power})"
        )
    return ""


def typed(columns: Sequence[Column], texts: str) -> str:
    """Return SQL for rows of texts with their values and a column `etl_bad`.

    `etl_bad` is NULL for a good row, 0 for one with a fault, else the number of the first column
    whose text is wrong, from 1.

    :param texts: a relation with a column `etl_text_<index>` for every column, and `etl_fault`.
    """
    # SELECT *, CASE WHEN etl_fault IS NOT NULL THEN 0
    #   WHEN (etl_text_0 IS NOT NULL AND "id" IS NULL) OR coalesce(INEXACT, false)
    #     OR coalesce(CHANGED, false) THEN 1 ... END AS etl_bad
    # FROM (SELECT *, TRY_CAST(etl_text_0 AS DOUBLE) AS "id", ... FROM texts)
    casts = ", ".join(
        f"TRY_CAST(etl_text_{i} AS {read_type(column)}) AS {quote(column.name)}"
        for i, column in enumerate(columns)
    )
    bad = " ".join(
        f"WHEN (etl_text_{i} IS NOT NULL AND {quote(column.name)} IS NULL) "
        f"OR coalesce({inexact(column) or 'false'}, false) "
        f"OR coalesce({changed(column, f'etl_text_{i}') or 'false'}, false) THEN {i + 1}"
        for i, column in enumerate(columns)
    )
    source = f"SELECT *, {casts} FROM {texts}"
    return f"SELECT *, CASE WHEN etl_fault IS NOT NULL THEN 0 {bad} END AS etl_bad FROM ({source})"


def refusal(columns: Sequence[Column]) -> str:
    """Return SQL for the reason why the text of the column `etl_bad` was refused."""
    # CASE etl_bad WHEN 1 THEN '"' || etl_text_0 || '" ' || CASE WHEN "id" IS NULL
    #   THEN 'is not a valid ' || 'integer' ELSE 'does not fit ' || 'integer' || ' exactly' END
    #   WHEN 2 THEN ... END
    cases = []
    for index, column in enumerate(columns):
        text, type_ = f"etl_text_{index}", literal(str(column.type))
        if column.type.family == "text":
            why = f"'a text of ' || strlen({text}) || ' bytes is too long for ' || {type_}"
        else:
            invalid = f"'is not a valid ' || {type_}"
            inexact_text = f"'does not fit ' || {type_} || ' exactly'"
            why = f"CASE WHEN {quote(column.name)} IS NULL THEN {invalid} ELSE {inexact_text} END"
            why = f"'\"' || {text} || '\" ' || {why}"
        cases.append(f"WHEN {index + 1} THEN {why}")
    return f"CASE etl_bad {' '.join(cases)} END"
