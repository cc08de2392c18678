"""SQL that masks values of persons: the same value gives the same mask, in every source."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from etl_framework.columns import Column, ColumnType
from etl_framework.sql.quote import literal
from etl_framework.sql.text_form import TextForm, usual

if TYPE_CHECKING:
    import duckdb

Mask = Literal["none", "hash", "partial", "drop", "null"]
# Types whose equal values have equal texts, which a hash is made of.
HASHED = ("text", "integer")
SHORTENED = ("text", "date", "timestamp", "timestamptz")
# How many hexadecimal digits of SHA-256 a hash has. Half of them, so that nobody who knows the hash
# of a value can go on to hash longer ones without the salt.
DIGITS = 32
# The variable of a session with the salt, so that no SQL has it.
SALT = "etl_salt"
# What stands in the place of characters that are left out.
HIDDEN = "***"


def let_hash(session: duckdb.DuckDBPyConnection, salt: str) -> None:
    """Let SQL of a session hash values with a salt."""
    session.execute(f"SET VARIABLE {SALT} = ?", [salt])


def keyed(salt: str, text: str) -> str:
    """Return the hash of a text, as SQL makes it."""
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()[:DIGITS]


def keyed_sql(text: str) -> str:
    """Return SQL for the hash of a text, in a session that may hash."""
    # left(sha256(getvariable('etl_salt') || "email"), 32)
    return f"left(sha256(getvariable('{SALT}') || {text}), {DIGITS})"


def masked_type(mask: Mask, type_: ColumnType) -> ColumnType:
    """Return the type that the values of a column have in staging."""
    if mask == "hash":
        return ColumnType.parse(f"varchar({DIGITS})")
    if mask == "partial" and type_.family == "text":
        length = min(type_.arguments[0] + len(HIDDEN), 65535)
        return ColumnType.parse(f"varchar({length})")
    return type_


def masked_value(mask: Mask, column: Column, value: str) -> str:
    """Return SQL for the masked value of a column.

    :param value: SQL for the value, in the column's type.
    """
    if mask == "hash":
        return keyed_sql(f"CAST({value} AS VARCHAR)")
    if mask == "null":
        return f"CAST(NULL AS {column.type.duckdb})"
    if mask == "partial" and column.type.family == "text":
        return _shortened(column, value)
    if mask == "partial":
        # The first day of its year.
        return f"CAST(date_trunc('year', {value}) AS {column.type.duckdb})"
    return value


def masked_text(mask: Mask, column: Column, text: str, form: TextForm) -> str:
    """Return SQL for the mask of a value that is written as a text, or of a text that is no value.

    :param text: SQL for the text, as the source has it.
    """
    if mask == "none" or column.type.family == "text":
        return masked_value(mask, column, text)
    if mask == "hash":
        return keyed_sql(text_of_value(column, text, form))
    return f"CAST({masked_value(mask, column, _value(column, text, form))} AS VARCHAR)"


def text_of_value(column: Column, text: str, form: TextForm) -> str:
    """Return SQL for the usual text of the value that a text means: 007 is the integer 7.

    :param text: SQL for the text, as the source has it; what means no value stays as it is.
    """
    if column.type.family == "text":
        return text
    return f"coalesce(CAST({_value(column, text, form)} AS VARCHAR), {text})"


def _value(column: Column, text: str, form: TextForm) -> str:
    return f"TRY_CAST({usual(column, form.or_usual(), text)} AS {column.type.duckdb})"


def _shortened(column: Column, value: str) -> str:
    """Return SQL for the part of a text that many persons share."""
    hidden = literal(HIDDEN)
    if column.kind == "email":  # ann@example.com: a***@example.com
        return f"left({value}, 1) || {hidden} || regexp_extract({value}, '@[^@]*$')"
    if column.kind == "id":  # DE4400123456: ***3456; a short one shows nothing
        return f"{hidden} || CASE WHEN length({value}) > 8 THEN right({value}, 4) ELSE '' END"
    if column.kind == "free text":
        return f"CASE WHEN {value} IS NOT NULL THEN {hidden} END"
    return f"left({value}, 1) || {hidden}"  # Ann: A***
