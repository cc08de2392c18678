"""The types of PostgreSQL that every column type holds without changing a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl_framework.columns import Column, ColumnType
from etl_framework.sql.quote import quote

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

INTEGERS = {"smallint", "integer", "bigint"}
# By column type; a value out of the range of that type is refused when it is read.
HELD = {
    "smallint": INTEGERS | {"numeric"},
    "integer": INTEGERS | {"numeric"},
    "bigint": INTEGERS | {"numeric"},
    "decimal": INTEGERS | {"numeric"},
    "real": {"real", "smallint"},
    "double precision": {"double precision", "real", "smallint", "integer"},
    "boolean": {"boolean"},
    "date": {"date"},
    "timestamp": {"timestamp without time zone", "date"},
    "timestamptz": {"timestamp with time zone"},
}
# The column type to declare for a type of PostgreSQL.
NEAREST = {
    "numeric": "decimal(p,s)",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}
MOMENTS = {
    "date": "date",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}
NO_TEXT = {
    "A": "an array",
    "C": "a composite",
    "G": "a shape",
    "P": "a pseudo-type",
    "R": "a range",
    "V": "a bit string",
}
# The columns of a table, each with its type; for a domain, the type at the end of all domains.
COLUMNS = """
WITH RECURSIVE typed AS (
    SELECT attname, attnum, attnotnull, attrelid, atttypid AS type, atttypmod AS modifier
    FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT attname, attnum, attnotnull OR typnotnull, attrelid, typbasetype, typtypmod
    FROM typed JOIN pg_type ON oid = type AND typtype = 'd'),
columns AS (
    SELECT typed.*, typcategory FROM typed JOIN pg_type ON oid = type AND typtype <> 'd')
"""
TYPES = f"""
{COLUMNS} SELECT attname, format_type(type, NULL), typcategory, modifier FROM columns
ORDER BY attnum
"""


@dataclass(frozen=True)
class TableType:
    """A column's type in PostgreSQL; for a domain, the type that the domain is based on.

    :param category: PostgreSQL's letter for the kind of type, `A` for arrays.
    :param modifier: length, or precision and scale, as the catalogue has them; -1 for none.
    """

    name: str
    category: str
    modifier: int = -1

    @property
    def moment(self) -> str:
        """Our word for a type of date or time; empty for others."""
        return MOMENTS.get(self.name, "")

    @property
    def length(self) -> int:
        """The most characters of a text; 0 if there is no limit."""
        limited = self.name in ("character varying", "character") and self.modifier > 4
        return self.modifier - 4 if limited else 0

    @property
    def precision(self) -> int:
        """The digits of a numeric; 0 if there is no limit."""
        return (self.modifier - 4) >> 16 if self.name == "numeric" and self.modifier > 4 else 0

    @property
    def scale(self) -> int:
        """The digits of a numeric behind the point, which may be negative."""
        # The catalogue has eleven bits for it, the first of which is the sign.
        return (((self.modifier - 4) & 0x7FF) ^ 1024) - 1024

    def is_longer_than(self, declared: ColumnType) -> bool:
        """Whether a numeric may have more digits, before or behind the point, than a decimal."""
        if self.name != "numeric":
            return False
        digits, scale = declared.arguments
        fits = 0 <= self.scale <= scale and self.precision - self.scale <= digits - scale
        return not self.precision or not fits


def types_of(cursor: Cursor, table: str) -> dict[str, TableType]:
    """The name and type of every column of a table, in order; empty if there is no such table.

    :param table: the table's name, quoted.
    """
    cursor.execute(TYPES, (table,))
    return {name: TableType(*facts) for name, *facts in cursor.fetchall()}


def refused(columns: Sequence[Column], types: Mapping[str, TableType]) -> Iterator[tuple[str, str]]:
    """A message and a hint for every column whose declared type cannot hold the table's values."""
    for column in columns:
        table_type = types[column.name]
        place = f"column '{column.name}' is {table_type.name}"
        if table_type.name == "bytea" or table_type.category in NO_TEXT:
            kind = NO_TEXT.get(table_type.category, "bytes")
            yield f"{place}, {kind}, which no type holds", "leave it out, or read a view without it"
        elif column.type.family != "text" and table_type.name not in HELD[column.type.name]:
            wanted = NEAREST.get(table_type.name, table_type.name)
            if wanted not in HELD and "(" not in wanted and wanted not in NEAREST.values():
                wanted = "varchar(n)"
            message = f"{place}, which {column.type} does not hold without changing values"
            yield message, f"declare it as {wanted}"


def selected(column: Column, types: Mapping[str, TableType]) -> str:
    """Return SQL for a column's values, written as the declared type writes them."""
    name, type_name = quote(column.name), types[column.name].name
    if type_name == "real" and column.type.name == "double precision":
        # The text `0.1` gives another double than the real 0.1 does.
        return f"{name}::double precision AS {name}"
    if type_name == "character":  # its blanks at the end mean nothing
        return f"rtrim({name}::text, ' ') AS {name}"
    if type_name == "date" and column.type.name == "timestamp":
        return f"{name}::timestamp AS {name}"
    if type_name == "numeric" and column.type.family == "integer":
        # A numeric(10,2) writes the number 1 as 1.00.
        return f"{name}::{column.type.name} AS {name}"
    if column.type.family == "decimal" and types[column.name].is_longer_than(column.type):
        # The zeros of 0.01000000000000000000 are too many for some readers.
        return f"round({name}, {column.type.arguments[1]}) AS {name}"
    return name
