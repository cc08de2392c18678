"""Redshift's CREATE TABLE for PostgreSQL: without distribution, with lengths in bytes.

Source: Redshift's Database Developer Guide, "CREATE TABLE". Redshift does not enforce keys, so they
are taken out. It counts the length of a VARCHAR in bytes, so a CHECK on the bytes is added.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from etl_framework.devstack.tokens import Statement, Word, closing
from etl_framework.devstack.wire import WireError

TYPES = {
    "SMALLINT",
    "INT2",
    "INTEGER",
    "INT",
    "INT4",
    "BIGINT",
    "INT8",
    "DECIMAL",
    "NUMERIC",
    "REAL",
    "FLOAT4",
    "DOUBLE",
    "FLOAT8",
    "FLOAT",
    "BOOLEAN",
    "BOOL",
    "CHAR",
    "CHARACTER",
    "NCHAR",
    "BPCHAR",
    "VARCHAR",
    "NVARCHAR",
    "TEXT",
    "DATE",
    "TIME",
    "TIMETZ",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "SUPER",
    "VARBYTE",
}
MAX_VARCHAR, MAX_CHAR, MAX_COLUMNS, MAX_NAME = 65535, 4096, 1600, 127


@dataclass
class Attributes:
    """Attributes of a table that Redshift has and PostgreSQL does not know."""

    diststyle: str = "AUTO"
    distkey: str = ""
    sortkey: list[str] = field(default_factory=list)


def create_table(statement: Statement) -> tuple[str, Attributes]:
    """Return the statement for PostgreSQL and the attributes that were taken out of it.

    :raises WireError: Redshift would refuse it.
    """
    # CREATE TABLE t (id INT DISTKEY, day DATE) SORTKEY (day) -> CREATE TABLE t (id INT, day DATE)
    words, place = statement.words, 1
    temporary = False
    while words[place].upper != "TABLE":
        if words[place].upper not in ("TEMP", "TEMPORARY", "LOCAL"):
            raise _syntax(words[place])
        temporary = True
        place += 1
    place += 1
    exists = ""
    if words[place].upper == "IF":
        exists, place = "IF NOT EXISTS ", place + 3
    start = place
    while place < len(words) and (place == start or words[place].text == "." or _dot(words, place)):
        place += 1
    name = statement.between(start, place)
    attributes = Attributes()
    body, rest = "", place
    if place < len(words) and words[place].upper == "(":
        end = closing(words, place)
        body = _columns(statement, place, end, attributes)
        rest = end + 1
    query = _table_attributes(statement, rest, attributes)
    if body and not query:
        _known(attributes, {word.text for word in words[start:rest]})
    kind = "TEMP TABLE" if temporary or name.strip('"').startswith("#") else "TABLE"
    return f"CREATE {kind} {exists}{name}{body}{query}", attributes


def _known(attributes: Attributes, words: set[str]) -> None:
    for kind, named in [("DISTKEY", [attributes.distkey]), ("SORTKEY", attributes.sortkey)]:
        if missing := [name for name in named if name and name not in words]:
            message = f'{kind} column "{missing[0]}" named in the table does not exist'
            raise WireError(message, "42703")


def _dot(words: tuple[Word, ...], place: int) -> bool:
    return words[place - 1].text == "."


def _syntax(word: Word) -> WireError:
    return WireError(f'syntax error at or near "{word.text}"', "42601")


def _columns(statement: Statement, opening: int, end: int, attributes: Attributes) -> str:
    parts: list[str] = []
    first, depth = opening + 1, 0
    for place in range(opening + 1, end + 1):
        upper = statement.words[place].upper
        depth += (upper == "(") - (upper == ")")
        if place == end or (upper == "," and depth == 0):
            part = _column(statement, first, place, attributes)
            parts += [part] if part else []
            first = place + 1
    if len(parts) > MAX_COLUMNS:
        raise WireError("tables can have at most 1600 columns", "54011")
    return f" ({', '.join(parts)})"


def bytes_checked(name: str, column: str, length: str) -> str:
    """The constraint that a text has no more bytes, which Redshift counts in place of letters.

    For example `CONSTRAINT "etl_bytes_20_name" CHECK (octet_length("name") <= 20)`.

    :param column: the column's name as SQL.
    """
    return f'CONSTRAINT "etl_bytes_{length}_{name[:30]}" CHECK (octet_length({column}) <= {length})'


def _column(statement: Statement, first: int, last: int, attributes: Attributes) -> str:
    words = statement.words
    head = words[first].upper
    if head in ("PRIMARY", "UNIQUE", "FOREIGN", "CONSTRAINT"):
        return ""
    if head == "LIKE":
        return statement.between(first, last)
    if last - first < 2:
        return statement.between(first, last)  # a column without a type: CREATE TABLE t (a, b) AS
    name = words[first].text
    if len(name.encode()) > MAX_NAME:
        raise WireError(f'identifier "{name}" is longer than 127 bytes', "42622")
    type_, place = _type(statement, first + 1, last)
    out = [statement.between(first, first + 1), type_]
    if length := re.search(r"^(?:character varying|char)\((\d+)\)$", type_):
        out.append(bytes_checked(name, statement.between(first, first + 1), length[1]))
    while place < last:
        upper = words[place].upper
        if upper in ("DISTKEY", "SORTKEY"):
            if upper == "DISTKEY":
                attributes.distkey = name
            else:
                attributes.sortkey.append(name)
            place += 1
        elif upper in ("ENCODE", "COLLATE"):
            place += 2
        elif upper == "PRIMARY":
            out.append("NOT NULL")
            place += 2
        elif upper == "UNIQUE":
            place += 1
        elif upper == "REFERENCES":
            place += 2
            if place < last and words[place].upper == "(":
                place = closing(words, place) + 1
        elif upper == "IDENTITY":
            close = closing(words, place + 1)
            start, step = words[place + 2].text, words[place + 4].text
            out.append(f"GENERATED ALWAYS AS IDENTITY (START WITH {start} INCREMENT BY {step})")
            place = close + 1
        elif upper in ("NOT", "NULL"):
            size = 2 if upper == "NOT" else 1
            out.append(statement.between(place, place + size))
            place += size
        elif upper == "DEFAULT":
            size = 1
            while place + size < last and words[place + size].upper not in (
                "ENCODE",
                "NOT",
                "NULL",
                "DISTKEY",
                "SORTKEY",
                "UNIQUE",
                "PRIMARY",
                "REFERENCES",
            ):
                size += 1
            value = statement.between(place, place + size)
            # In Redshift, these give the time of the statement in UTC, without a zone.
            is_now = re.fullmatch(r"(?i)DEFAULT\s+(getdate\s*\(\s*\)|sysdate)", value.strip())
            out.append("DEFAULT (now() AT TIME ZONE 'UTC')" if is_now else value)
            place += size
        else:
            raise _syntax(words[place])
    return " ".join(out)


def _type(statement: Statement, place: int, last: int) -> tuple[str, int]:
    """Return the type's name in PostgreSQL and the place of the token after the type."""
    words = statement.words
    head, first = words[place].upper, place
    if head not in TYPES:
        raise WireError(f'type "{words[place].text.lower()}" does not exist', "42704")
    place += 1
    following = words[place].upper if place < last else ""
    if (head, following) in (("DOUBLE", "PRECISION"), ("CHARACTER", "VARYING")):
        place += 1
    arguments = ""
    if place < last and words[place].upper == "(":
        close = closing(words, place)
        arguments = statement.between(place, close + 1)
        place = close + 1
    if place < last and words[place].upper in ("WITH", "WITHOUT"):
        place += 3
        return statement.between(first, place), place
    if head in ("VARCHAR", "NVARCHAR", "TEXT") or statement.between(first, first + 2).upper() == (
        "CHARACTER VARYING"
    ):
        length = arguments.strip("() ").upper() or "256"
        size = MAX_VARCHAR if length == "MAX" else int(length)
        if size > MAX_VARCHAR:
            raise WireError("length for type character varying cannot exceed 65535", "22023")
        return f"character varying({size})", place
    if head in ("CHAR", "CHARACTER", "NCHAR", "BPCHAR"):
        size = int(arguments.strip("() ") or "1")
        if size > MAX_CHAR:
            raise WireError("length for type character cannot exceed 4096", "22023")
        return f"char({size})", place
    if head in ("DECIMAL", "NUMERIC"):
        digits = [int(text) for text in arguments.strip("() ").split(",") if text.strip()]
        precision, scale = [*digits, *(18, 0)[len(digits) :]]
        if not 1 <= precision <= 38 or scale > precision:
            raise WireError("DECIMAL precision must be between 1 and 38", "22023")
        return f"numeric({precision},{scale})", place
    if head == "SUPER":
        return "jsonb", place
    if head == "VARBYTE":
        return "bytea", place
    return statement.between(first, place), place


def _table_attributes(statement: Statement, place: int, attributes: Attributes) -> str:
    """Read the table's attributes; return ` AS query` if a query fills the table, or nothing."""
    words = statement.words
    while place < len(words):
        upper = words[place].upper
        if upper == "AS":
            return f" AS {statement.sql[words[place + 1].start :]}"
        if upper in ("BACKUP", "ENCODE"):
            place += 2
        elif upper == "DISTSTYLE":
            attributes.diststyle = words[place + 1].upper
            place += 2
        elif upper in ("COMPOUND", "INTERLEAVED"):
            place += 1
        elif upper in ("DISTKEY", "SORTKEY"):
            if words[place + 1].upper in ("AUTO", "NONE"):
                place += 2
                continue
            end = closing(words, place + 1)
            columns = [word.text for word in words[place + 2 : end] if word.text != ","]
            if upper == "DISTKEY":
                attributes.distkey = columns[0]
            else:
                attributes.sortkey = columns
            place = end + 1
        else:
            raise _syntax(words[place])
    return ""
