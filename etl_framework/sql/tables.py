"""Replace the names of relations in a query by the tables that hold them in a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl_framework.sql.dialect import parse
from etl_framework.sql.quote import quote, quote_table


def placed(sql: str, tables: Mapping[str, str | Sequence[str]]) -> str:
    """Replace every relation's name by the name of its table; the rest stays as written.

    For example, `SELECT a FROM songs` becomes `SELECT a FROM "raw"."songs_1" AS "songs"`.

    :param tables: the table of every relation, with its schema; of several, all rows are read.
    :raises SqlSyntaxError: the SQL is not a query.
    """
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    tree = parse(sql)
    known = {name.lower(): table for name, table in tables.items()}
    places: dict[int, tuple[int, str]] = {}
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if not isinstance(source, exp.Table) or source.name.lower() not in known:
                continue
            name = source.this
            start, end = int(name.meta["start"]), int(name.meta["end"]) + 1
            alias = "" if source.alias else f" AS {quote(source.name)}"
            places[start] = (end, _from(known[source.name.lower()]) + alias)
    for start, (end, text) in sorted(places.items(), reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _from(tables: str | Sequence[str]) -> str:
    if isinstance(tables, str):
        return quote_table(tables)
    rows = " UNION ALL ".join(f"SELECT * FROM {quote_table(table)}" for table in tables)
    return f"({rows})"
