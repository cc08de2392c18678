"""Let a query read relations from the tables that they are in a cluster, in its own words."""

from __future__ import annotations

from collections.abc import Mapping

from etl_framework.sql.dialect import parse
from etl_framework.sql.quote import quote, quote_table


def placed(sql: str, tables: Mapping[str, str]) -> str:
    """The query with each relation's name replaced by its table's; all else stays as written.

    :param tables: relation to table, with its schema.
    :raises SqlSyntaxError: it is no query.
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
            places[start] = (end, quote_table(known[source.name.lower()]) + alias)
    for start, (end, text) in sorted(places.items(), reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql
