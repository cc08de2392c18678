"""What Redshift's catalogue says of a table."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl_framework.targets.base import Warehouse

TABLE = """
SELECT c.oid, pg_get_userbyid(c.relowner), current_user, obj_description(c.oid, 'pg_class')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ? AND c.relname = ?
"""
COLUMNS = """
SELECT a.attname, a.attnum, a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
    col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ? AND a.attnum > 0 AND NOT a.attisdropped
"""
LAYOUT = """
SELECT column_name, distkey, sortkey FROM svv_redshift_columns
WHERE database_name = current_database() AND schema_name = ? AND table_name = ?
AND (distkey OR sortkey <> 0) ORDER BY ABS(sortkey)
"""
STYLE = "SELECT releffectivediststyle FROM pg_class_info WHERE reloid = ?"
STYLES = {0: "even", 1: "key", 8: "all", 10: "auto", 11: "auto", 12: "auto"}


def schema_and_name(warehouse: Warehouse, table: str) -> tuple[str, str]:
    """Schema and name of a table, as the catalogue writes them."""
    schema, _, name = table.lower().rpartition(".")
    return schema or warehouse.home, name


def numbered(warehouse: Warehouse, table: str, columns: Collection[str]) -> tuple[int, list[int]]:
    """The identifier of a table, and the numbers of columns in it."""
    oid = int(warehouse.query(TABLE, schema_and_name(warehouse, table))[1][0][0])
    rows = warehouse.query(COLUMNS, (oid,))[1]
    return oid, [int(row[1]) for row in rows if row[0] in columns]


def arrangement(warehouse: Warehouse, table: str, oid: int) -> tuple[str, str, list[str]]:
    """Style of distribution, its key, and the columns that rows are sorted by, in lower case."""
    columns = warehouse.query(LAYOUT, schema_and_name(warehouse, table))[1]
    style = STYLES.get(warehouse.number(STYLE, (oid,)), "")
    key = next((str(name) for name, is_key, _ in columns if is_key), "")
    return style, key, [str(name) for name, _, place in columns if place]
