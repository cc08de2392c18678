"""What each column is read as from CSV, and when its declared type would change a value."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.columns import Column
from etl_framework.sql.quote import literal, quote

# `error()` ends the query; the text tells our own refusal from any other error.
INEXACT = "etl: inexact"
LARGEST_REAL = "3.4028234663852886e38"


def read_type(column: Column) -> str:
    """The DuckDB type that a column is read with: one that shows what the declared one would round.

    DuckDB compares and casts DOUBLE and DECIMAL up to 18 digits several times faster than wider
    ones; a DOUBLE holds every 32-bit integer exactly.
    """
    if column.type.name in ("smallint", "integer"):
        return "DOUBLE"
    if column.type.name == "real":
        return "DOUBLE"
    if column.type.name == "bigint":
        return "DECIMAL(38,18)"
    if column.type.family == "decimal":
        digits, scale = column.type.arguments
        # One digit more before the point than declared: DuckDB 1.4 refuses the largest values else.
        room = 18 if digits < 17 else 38
        return f"DECIMAL({room},{max(scale, room - digits + scale - 1)})"
    return column.type.duckdb


def value(column: Column) -> str:
    """SQL for the value in its declared type."""
    name = quote(column.name)
    if read_type(column) == column.type.duckdb:
        return name
    return f"CAST({_scaled(column)} AS {column.type.duckdb})"


def _scaled(column: Column) -> str:
    """SQL for the value as read, with the scale of its declared type.

    DuckDB 1.4 does not take the largest values of a decimal to a smaller scale by a CAST.
    """
    name = quote(column.name)
    return f"round({name}, {column.type.arguments[1]})" if _is_wider(column) else name


def _is_wider(column: Column) -> bool:
    return column.type.family == "decimal" and read_type(column) != column.type.duckdb


def value_or_error(column: Column, also: str = "") -> str:
    """SQL for the value in its declared type; ends the query when that would change it.

    Quicker than `inexact`: what a CAST refuses by itself need not be looked for.

    :param also: SQL that is true for other values to end it for.
    """
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
    """SQL that is true when the declared type would change the value; empty when it cannot."""
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
    """SQL over the texts of a file: true when the value says less; empty when none does.

    A text that is no value at all is refused when it is read.
    """
    perhaps, name = _perhaps_changed(column), quote(column.name)
    if not perhaps:
        return ""
    readable = f"TRY_CAST({name} AS {read_type(column)}) IS NOT NULL"
    return f"CASE WHEN {perhaps} THEN ({changed(column, name)}) AND {readable} ELSE false END"


def _perhaps_changed(column: Column) -> str:
    """Quick, and true for some others too."""
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
        # Read as DOUBLE, which shows fifteen digits: enough for every fraction that is meant.
        return ""
    if column.type.family in ("integer", "decimal"):
        held = int(read_type(column).rstrip(")").rpartition(",")[2])
        powers = f"contains({name}, 'e') OR contains({name}, 'E')"
        return f"(strlen({name}) > {held + 1} AND contains({name}, '.')) OR {powers}"
    return ""


def changed(column: Column, text: str) -> str:
    """SQL that is true when a column's value says less than its text; empty when it cannot.

    A `timestamp` has no zone and six digits behind the second, a `date` no time of day.

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
    """SQL for rows of texts with their values; `etl_bad` is 0 for a fault, or the first bad column.

    :param texts: relation with a column `etl_text_<index>` for each column, and `etl_fault`.
    """
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
    """SQL for why the value of the column `etl_bad` was refused."""
    cases = []
    for index, column in enumerate(columns):
        text, type_ = f"etl_text_{index}", literal(str(column.type))
        if column.type.family == "text":
            why = f"'a text of ' || strlen({text}) || ' bytes is too long for ' || {type_}"
        else:
            invalid = f"'is not a valid ' || {type_}"
            changed = f"'does not fit ' || {type_} || ' exactly'"
            why = f"CASE WHEN {quote(column.name)} IS NULL THEN {invalid} ELSE {changed} END"
            why = f"'\"' || {text} || '\" ' || {why}"
        cases.append(f"WHEN {index + 1} THEN {why}")
    return f"CASE etl_bad {' '.join(cases)} END"
