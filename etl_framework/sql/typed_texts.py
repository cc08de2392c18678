"""SQL that types the columns of text files, and finds values that the types would change."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.columns import Column
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.text_form import MOMENTS, USUAL, TextForm, usual
from etl_framework.sql.text_rules import changed, is_none, read_type

# The text of `error()`, which stops a query; it tells this error from all others.
INEXACT = "etl: inexact"
LARGEST_REAL = "3.4028234663852886e38"


def value(column: Column) -> str:
    """Return SQL for the value in its declared type."""
    # CAST(round("price", 2) AS DECIMAL(10,2))
    name = quote(column.name)
    if column.type.name == "char":
        return _text(column)
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


def _text(column: Column) -> str:
    """Return SQL for a text; blanks at the end of a `char` do not count in Redshift."""
    name = quote(column.name)
    return f"rtrim({name}, ' ')" if column.type.name == "char" else name


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
        return f"strlen({_text(column)}) > {column.type.arguments[0]}"
    if column.type.family in ("integer", "decimal"):
        return f"TRY_CAST({_scaled(column)} AS {column.type.duckdb}) IS DISTINCT FROM {name}"
    if column.type.name == "real":
        return f"isfinite({name}) AND abs({name}) > {LARGEST_REAL}"
    if column.type.family in MOMENTS:
        return f"NOT isfinite({name})"
    return ""


def odd(column: Column) -> str:
    """Return SQL that is true for a value that only its text can prove; empty if there is none.

    A year below 1000 may have been written with two digits, the beginning of 1970 as `epoch`, and
    an infinite number as `1e400`.
    """
    # year("day") < 1000 OR "day" IN (CAST('1970-01-01' AS DATE), CAST('1900-01-01' AS DATE))
    name, type_ = quote(column.name), column.type.duckdb
    if column.type.family == "float":
        return f"isinf({name})"
    if column.type.family in MOMENTS:
        words = ", ".join(f"CAST('{day}' AS {type_})" for day in ("1970-01-01", "1900-01-01"))
        return f"{name} < CAST('1000-01-01' AS {type_}) OR {name} IN ({words})"
    return ""


def is_declared(column: Column, form: TextForm) -> bool:
    """Whether a column's texts have a declared form, so that they are read as texts first."""
    return usual(column, form, "text") != "text"


def read_or_error(column: Column, form: TextForm) -> str:
    """Return SQL that reads a text of a declared form, and stops the query if it cannot."""
    # CASE WHEN "price" IS NULL THEN NULL WHEN TRY_CAST(TEXT AS DECIMAL(18,8)) IS NULL OR
    #   coalesce(CHANGED, false) THEN error('etl: inexact') ELSE TRY_CAST(TEXT AS DECIMAL(18,8)) END
    name, type_ = quote(column.name), read_type(column)
    text = usual(column, form, name)
    wrong = f"TRY_CAST({text} AS {type_}) IS NULL OR coalesce({changed(column, text)}, false)"
    return (
        f"CASE WHEN {name} IS NULL THEN NULL WHEN {wrong} THEN CAST(error('{INEXACT}') AS {type_}) "
        f"ELSE TRY_CAST({text} AS {type_}) END"
    )


def typed(columns: Sequence[Column], texts: str, form: TextForm = USUAL) -> str:
    """Return SQL for rows of texts with their values and a column `etl_bad`.

    `etl_bad` is NULL for a good row, 0 for one with a fault, else the number of the first column
    whose text is wrong, from 1.

    :param texts: a relation with a column `etl_text_<index>` for every column, and `etl_fault`.
    """
    # SELECT *, CASE WHEN etl_fault IS NOT NULL THEN 0
    #   WHEN (etl_text_0 IS NOT NULL AND "id" IS NULL) OR coalesce(INEXACT, false)
    #     OR coalesce(CHANGED, false) THEN 1 ... END AS etl_bad
    # FROM (SELECT *, TRY_CAST(etl_text_0 AS DOUBLE) AS "id", ... FROM texts)
    usual_texts = [usual(column, form, f"etl_text_{i}") for i, column in enumerate(columns)]
    casts = ", ".join(
        f"TRY_CAST({text} AS {read_type(column)}) AS {quote(column.name)}"
        for text, column in zip(usual_texts, columns, strict=True)
    )
    bad = " ".join(
        f"WHEN (etl_text_{i} IS NOT NULL AND {quote(column.name)} IS NULL) "
        f"OR coalesce({inexact(column) or 'false'}, false) "
        f"OR coalesce({changed(column, usual_texts[i])}, false) THEN {i + 1}"
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
            none = f"{quote(column.name)} IS NULL OR {is_none(column, text)}"
            why = f"CASE WHEN {none} THEN {invalid} ELSE {inexact_text} END"
            why = f"'\"' || {text} || '\" ' || {why}"
        cases.append(f"WHEN {index + 1} THEN {why}")
    return f"CASE etl_bad {' '.join(cases)} END"
