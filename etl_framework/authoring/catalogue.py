"""Read the columns of a PostgreSQL table, with our types."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.errors import DataMissingError, did_you_mean
from etl_framework.sources.postgres.types import COLUMNS, NO_TEXT
from etl_framework.sql.quote import quote_table

CATALOGUE = f"""
{COLUMNS} SELECT a.attname, a.typcategory, a.attnotnull, format_type(a.type, a.modifier),
    EXISTS (SELECT 1 FROM pg_index AS i
            WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
FROM columns AS a
JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY a.attnum
"""
TABLES = """
SELECT CASE WHEN table_schema = 'public' THEN '' ELSE table_schema || '.' END || table_name
FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
"""
KNOWN = {
    "character varying": "varchar",
    "character": "char",
    "uuid": "varchar(36)",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}
# PostgreSQL counts characters; we and Redshift count bytes, of which UTF-8 needs at most four.
BYTES, LONGEST, LONGEST_CHAR = 4, 65535, 4096
SAME = ("smallint", "integer", "bigint", "real", "double precision", "boolean", "date")


@dataclass(frozen=True)
class SourceColumn:
    """A column of a table or of a CSV file.

    :param type: our type; empty if we have none for it.
    :param was: the type in the table or the file.
    :param note: a comment for the user.
    :param is_left_out: whether it is only shown, as a comment.
    :param there: what the table or the file calls it, if that is not its name here.
    """

    name: str
    type: str
    was: str
    required: bool = False
    primary_key: bool = False
    note: str = ""
    is_left_out: bool = False
    there: str = ""


def columns_of_table(connection: Postgres, root: Path, table: str) -> list[SourceColumn]:
    """Return the columns of a table or view.

    :raises DataMissingError: there is no such table.
    """
    with closing(connection.connect(root)) as session, our_errors(), session.cursor() as cursor:
        cursor.execute(CATALOGUE, (quote_table(table),))
        rows = cursor.fetchall()
        if not rows:
            cursor.execute(TABLES)
            hint = did_you_mean(table, [name for (name,) in cursor.fetchall()])
            raise DataMissingError(f"there is no table '{table}'", hint=hint)
    return [
        SourceColumn(name, _type(was, category), was, required, key)
        for name, category, required, was, key in rows
    ]


def _type(was: str, category: str) -> str:
    """Return our type for PostgreSQL's; empty if there is none."""
    if was == "bytea" or category in NO_TEXT:
        return ""
    match = re.fullmatch(r"([a-z ]+?)(?:\((\d+)(?:,(-?\d+))?\))?", re.sub(r"(?<=p)\(\d\)", "", was))
    name, *arguments = match.groups() if match else (was, None, None)
    if name == "numeric":
        given = [int(number) for number in arguments if number is not None]
        return _decimal(*given) if given else "decimal(38,9)"
    if name in ("character varying", "character") and arguments[0]:
        length = min(BYTES * int(arguments[0]), LONGEST)
        return f"{KNOWN[name] if length <= LONGEST_CHAR else 'varchar'}({length})"
    # All other types arrive as texts, as PostgreSQL writes them.
    return KNOWN.get(name, name if name in SAME else "varchar")


def _decimal(precision: int, scale: int = 0) -> str:
    """Return a decimal for the values of a numeric, with at most 38 digits."""
    if scale < 0:
        precision, scale = precision - scale, 0
    digits = min(max(precision, scale), 38)
    return f"decimal({digits},{min(scale, digits)})"
