"""Changes of tables in Redshift that ALTER TABLE cannot make in place: a copy takes their place.

Redshift changes no type of a column but the length of a VARCHAR, and that not in a transaction, nor
under a view (Database Developer Guide, "ALTER TABLE").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.errors import StepError
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.dependents import Dependents
from etl_framework.targets.publication import lock_name, locking
from etl_framework.targets.tables import Table, Transaction

if TYPE_CHECKING:
    from etl_framework.targets.redshift import RedshiftWarehouse

VIEWS = """
SELECT DISTINCT v.oid, d.refobjsubid, n.nspname, v.relname, pg_get_viewdef(v.oid), '',
    CASE WHEN pg_get_userbyid(v.relowner) <> current_user THEN pg_get_userbyid(v.relowner) END,
    obj_description(v.oid, 'pg_class')
FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = v.relnamespace
WHERE d.refobjid = ? AND v.oid <> d.refobjid AND v.relkind = 'v'
"""
# Rights on a relation, and on columns of it: SELECT, or SELECT ("day").
GRANTS = """
SELECT privilege_type, identity_type, identity_name, admin_option FROM (
    SELECT namespace_name, relation_name, privilege_type, identity_type, identity_name, admin_option
    FROM svv_relation_privileges
    UNION ALL
    SELECT namespace_name, relation_name,
        privilege_type || ' ("' || REPLACE(column_name, '"', '""') || '")',
        identity_type, identity_name, admin_option
    FROM svv_column_privileges
) AS given
WHERE namespace_name = ? AND relation_name = ? AND identity_name <> current_user
"""
TABLE = """
SELECT c.oid, pg_get_userbyid(c.relowner), current_user FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ?
"""
# What a copy would not have.
MORE = """
SELECT COUNT(*) FROM pg_attribute WHERE attrelid = ? AND attnum > 0 AND NOT attisdropped
AND (attnotnull OR atthasdef)
"""
LAYOUT = """
SELECT column_name, distkey, sortkey FROM svv_redshift_columns
WHERE database_name = current_database() AND schema_name = ? AND table_name = ?
AND (distkey OR sortkey <> 0) ORDER BY ABS(sortkey)
"""
STYLE = "SELECT releffectivediststyle FROM pg_class_info WHERE reloid = ?"
STYLES = {0: "even", 1: "key", 8: "all", 10: "auto", 11: "auto", 12: "auto"}


def schema_and_name(table: str) -> tuple[str, str]:
    """Schema and name of a table, as the catalogue writes them."""
    schema, _, name = table.lower().rpartition(".")
    return schema or "public", name


def widened(
    warehouse: RedshiftWarehouse, table: Table, columns: Sequence[Column], here: Mapping[str, str]
) -> list[Transaction]:
    """What gives columns wider types: in place, or by a copy with the same rows.

    Readers see the table as it was, until the copy takes its place.

    :param here: the types of all columns, in order.
    :raises StepError: the copy would lose something.
    """
    name = table.target.table
    schema, relation = schema_and_name(name)
    ((oid, owner, user),) = warehouse.query(TABLE, (schema, relation))[1]
    dependents = Dependents(warehouse.query, VIEWS, GRANTS)
    views = dependents.views(int(oid))
    if not views and all(column.type.name == "varchar" for column in columns):
        return [(warehouse.alter_type(table, column),) for column in columns]
    if warehouse.number(MORE, (int(oid),)):
        listed = ", ".join(f"{column.name} {column.type}" for column in columns)
        raise StepError(
            f"the table {name} needs wider columns ({listed}), which Redshift has for a copy alone;"
            " and it has columns with NOT NULL or a default, which were not made by a run",
            hint="copy it by hand, with all that it has, or declare the types that it has",
        )
    types = {column.name.lower(): warehouse.type_written(column) for column in columns}
    written = {column.name.lower(): column.name for column in table.columns}
    written |= {column.lower(): column for column in warehouse.table_columns(name)}
    definitions = ", ".join(
        f"{quote(written[column])} {types.get(column, type_)}" for column, type_ in here.items()
    )
    copy, as_sql = f"etl_copy_{relation}"[:120], quote_table(name)
    new = f"{quote(schema)}.{quote(copy)}" if "." in name else quote(copy)
    layout = warehouse.layout(table.target) or _layout(warehouse, name, int(oid))
    listed = names([written[column] for column in here])
    comments = [sql for sql in warehouse.create(table) if sql.startswith("COMMENT")]
    return [
        (
            locking("LOCK", [lock_name(name)]),
            *warehouse.lock_limits(0),
            f"CREATE TABLE {new} ({definitions}){layout}",
            f"INSERT INTO {new} ({listed}) SELECT {listed} FROM {as_sql}",
            *warehouse.lock_limits(warehouse.lock_seconds),
            *(view.drop for view in reversed(views)),
            f"DROP TABLE {as_sql}",
            f"ALTER TABLE {new} RENAME TO {quote(relation)}",
            *comments,
            *(grant.statement(as_sql) for grant in dependents.grants(schema, relation)),
            *(sql for view in views for sql in view.create(warehouse.text)),
            *([f"ALTER TABLE {as_sql} OWNER TO {quote(owner)}"] if owner != user else []),
        )
    ]


def arranged(warehouse: RedshiftWarehouse, table: Table) -> list[Transaction]:
    """What changes keys of distribution and order, in place, where a target asks for others.

    Redshift moves the rows behind the scenes; readers and runs go on.
    """
    target, name = table.target, quote_table(table.target.table)
    if not (target.dist_key or target.dist_style or target.sort_key):
        return []
    ((oid, _, _),) = warehouse.query(TABLE, schema_and_name(target.table))[1]
    style, key, order = _arrangement(warehouse, target.table, int(oid))
    made = []
    if target.dist_key and target.dist_key.lower() != key:
        made.append(f"ALTER TABLE {name} ALTER DISTKEY {quote(target.dist_key)}")
    if target.dist_style and target.dist_style != style:
        made.append(f"ALTER TABLE {name} ALTER DISTSTYLE {target.dist_style.upper()}")
    if target.sort_key and [column.lower() for column in target.sort_key] != order:
        made.append(f"ALTER TABLE {name} ALTER SORTKEY ({names(target.sort_key)})")
    return [(sql,) for sql in made]


def _arrangement(warehouse: RedshiftWarehouse, table: str, oid: int) -> tuple[str, str, list[str]]:
    """Style of distribution, its key, and the columns that rows are sorted by, in lower case."""
    columns = warehouse.query(LAYOUT, schema_and_name(table))[1]
    style = STYLES.get(warehouse.number(STYLE, (oid,)), "")
    key = next((str(name) for name, is_key, _ in columns if is_key), "")
    return style, key, [str(name) for name, _, place in columns if place]


def _layout(warehouse: RedshiftWarehouse, table: str, oid: int) -> str:
    """The layout that a table has, as CREATE TABLE writes it."""
    style, key, order = _arrangement(warehouse, table, oid)
    distribution = f" DISTKEY ({quote(key)})" if key else ""
    if not key and style in ("even", "all"):
        distribution = f" DISTSTYLE {style.upper()}"
    return distribution + (f" SORTKEY ({names(order)})" if order else "")
