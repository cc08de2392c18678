"""Which of PostgreSQL's types each of ours holds without changing a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.sql.quote import quote

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

INTEGERS = {"smallint", "integer", "bigint"}
# By our type; a value that is out of its range is refused when it is read.
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
# What to declare instead.
NEAREST = {
    "numeric": "decimal(p,s)",
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
TYPES = """
SELECT attname, format_type(coalesce(nullif(typbasetype, 0), atttypid), NULL), typcategory
FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


@dataclass(frozen=True)
class TableType:
    """A column's type in PostgreSQL; of a domain the type that it is made of.

    :param category: PostgreSQL's letter for its kind, `A` for arrays.
    """

    name: str
    category: str


def types_of(cursor: Cursor, table: str) -> dict[str, TableType]:
    """Name and type of each column of a table, in its order; nothing when there is no such table.

    :param table: quoted.
    """
    cursor.execute(TYPES, (table,))
    return {name: TableType(type_, category) for name, type_, category in cursor.fetchall()}


def refused(columns: Sequence[Column], types: Mapping[str, TableType]) -> Iterator[tuple[str, str]]:
    """What is wrong with columns whose declared type cannot hold the table's, and a hint."""
    for column in columns:
        found = types[column.name]
        place = f"column '{column.name}' is {found.name}"
        if found.name == "bytea" or found.category in NO_TEXT:
            kind = NO_TEXT.get(found.category, "bytes")
            yield f"{place}, {kind}, which no type holds", "leave it out, or read a view without it"
        elif column.type.family != "text" and found.name not in HELD[column.type.name]:
            wanted = NEAREST.get(found.name, found.name)
            if wanted not in HELD and "(" not in wanted and wanted not in NEAREST.values():
                wanted = "varchar(n)"
            message = f"{place}, which {column.type} does not hold without changing values"
            yield message, f"declare it as {wanted}"


def selected(column: Column, types: Mapping[str, TableType]) -> str:
    """SQL for a column's values, as their declared type writes them."""
    name, found = quote(column.name), types[column.name].name
    if found == "real" and column.type.name == "double precision":
        # As text 0.1 is another double than the real 0.1.
        return f"{name}::double precision AS {name}"
    if found == "date" and column.type.name == "timestamp":
        return f"{name}::timestamp AS {name}"
    return name
