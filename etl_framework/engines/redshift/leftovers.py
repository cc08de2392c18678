"""The tables that runs have left in the cluster: old ones, and rows of persons in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from etl_framework.connections.redshift.session import Session
from etl_framework.engines.redshift.cluster import LONGEST_PART
from etl_framework.sql.quote import quote, quote_table

_MADE = re.compile(r"__(\d{8})_[0-9a-f]{12}$")
COLUMNS = (
    "SELECT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = ? "
    "AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped"
)


def drop_old_tables(session: Session, schema: str, before: datetime) -> int:
    """Drop the staging tables that were made before a day, and return their number.

    :param schema: the schema that they lie in.
    """
    day = f"{before:%Y%m%d}"
    names_ = _tables(session, schema)
    old = [name for name in names_ if (made := _MADE.search(name)) and made[1] < day]
    for name in old:
        session.run(f"DROP TABLE IF EXISTS {quote(schema)}.{quote(name)}")
    return len(old)


def _tables(session: Session, schema: str) -> list[str]:
    """Return the names of the tables in a schema."""
    result = session.run(
        "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname = ? AND c.relkind = 'r'",
        (schema,),
    )
    return [str(name) for (name,) in result.rows]


def staging_tables(session: Session, schema: str) -> dict[str, tuple[str, str]]:
    """Return the staging tables that runs have made, each with its pipeline and relation.

    Long names are cut to LONGEST_PART characters.
    """
    tables_: dict[str, tuple[str, str]] = {}
    for name in _tables(session, schema):
        if made := _MADE.search(name):
            pipeline, _, relation = name[: made.start()].partition("__")
            tables_[name] = (pipeline, relation)
    return tables_


def forget(
    session: Session,
    schema: str,
    pipeline: str,
    source: str,
    values: Mapping[str, str],
    later: Sequence[str],
    *,
    dry_run: bool,
) -> int:
    """Delete the rows from all tables of a source, and drop those that are computed from it.

    :returns: how many rows the tables of the source had.
    """
    # For a customer of the pipeline `shop`:
    # DELETE FROM "etl_staging"."shop__customers__20260105_0123456789ab"
    #     WHERE CAST("email" AS varchar(65535)) = ?
    same = " AND ".join(f"CAST({quote(name)} AS varchar(65535)) = ?" for name in values)
    rows = 0
    for name, (of, relation) in staging_tables(session, schema).items():
        table = quote_table(f"{schema}.{name}")
        if of != pipeline[:LONGEST_PART]:
            continue
        if relation in {other[:LONGEST_PART] for other in later} and not dry_run:
            session.run(f"DROP TABLE IF EXISTS {table}")
        if relation != source[:LONGEST_PART]:
            continue
        columns = {str(column) for (column,) in session.run(COLUMNS, (schema, name)).rows}
        if not values.keys() <= columns:
            continue
        texts = tuple(values.values())
        count = session.run(f"SELECT COUNT(*) FROM {table} WHERE {same}", texts).rows[0][0]
        rows += int(count)
        if not dry_run:
            session.run(f"DELETE FROM {table} WHERE {same}", texts)
    return rows
