"""Rules about what a query gives: its columns, their lengths, moments and missing values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.lint.sql_base import Finding, Query, SqlRule, selects_of

if TYPE_CHECKING:
    from sqlglot import exp

    from etl_framework.columns import Column


class StarIntoTarget(SqlRule):
    """A KPI names its columns: with `SELECT *` a new column of a source changes the target."""

    codes = ("W401",)

    def find(self, query: Query) -> Iterator[Finding]:
        if query.name not in query.checked.pipeline.kpis:
            return
        from etl_framework.sql.dialect import parse

        rendered, _ = query.checked.compilation.trees[query.name]
        if not re.search(r"(?<!\()\*", rendered.sql):  # COUNT(*) alone is no reason to parse again
            return
        written = parse(rendered.sql)
        names = [select.alias_or_name for select in selects_of(query.tree)]
        for select in written.selects:
            if select.is_star:
                hint = f"write the columns: {', '.join(names)}"[:100]
                yield Finding(select, "a KPI's columns are those of 'SELECT *'", hint)


class MomentWithoutZone(SqlRule):
    """A day or an hour of a `timestamptz` is asked for in a time zone that is named.

    Else it is that of the session, which differs between the engines and from user to user.
    """

    codes = ("W408",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        parts = (exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.TsOrDsToDate)
        for node in query.tree.find_all(exp.Cast, *parts):
            if isinstance(node, exp.Cast) and not node.is_type(exp.DType.DATE, exp.DType.TIMESTAMP):
                continue
            inner = node.expression if isinstance(node, exp.Extract) else node.this
            if inner and inner.is_type(exp.DType.TIMESTAMPTZ):
                hint = "write ... AT TIME ZONE 'Europe/Berlin' around the moment first"
                message = "which day or hour this is depends on the session's time zone"
                yield Finding(node, message, hint)


class NotInNulls(SqlRule):
    """NOT IN asks a subquery without NULLs: with one NULL in it no row is left."""

    codes = ("W409",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.tree.find_all(exp.Not):
            inside = node.this.unnest()
            subquery = inside.args.get("query") if isinstance(inside, exp.In) else None
            select = subquery.unnest() if subquery else None
            if isinstance(select, exp.Select) and _may_be_null(query, select):
                hint = "add WHERE ... IS NOT NULL to it, or write NOT EXISTS"
                yield Finding(inside, "one NULL in the subquery, and NOT IN is never true", hint)


class Narrowed(SqlRule):
    """A text of a source fits into the column that it is published in."""

    codes = ("W410",)

    def find(self, query: Query) -> Iterator[Finding]:
        kpi = query.checked.pipeline.kpis.get(query.name)
        if kpi is None:
            return
        for column, select in zip(kpi.columns, selects_of(query.tree), strict=False):
            given = _as_it_came(query, select)
            if given is None or {column.type.family, given.type.family} != {"text"}:
                continue
            room, length = (each.type.arguments[0] for each in (column, given))
            if room < length:
                message = f"'{column.name}' has room for {room} bytes, and gets up to {length}"
                hint = f"declare {column.name} as varchar({length}), or cut it with LEFT(...)"
                yield Finding(select, message, hint)


def _may_be_null(query: Query, select: exp.Select) -> bool:
    from sqlglot import exp

    value = select.selects[0].unalias()
    if not isinstance(value, exp.Column):
        return False
    where = select.args.get("where")
    for test in where.find_all(exp.Not) if where else ():
        if isinstance(test.this, exp.Is) and test.this.this == value:
            return False
    declared = _declared(query, value)
    return not (declared and (declared.required or declared.primary_key))


def _as_it_came(query: Query, made: exp.Expr) -> Column | None:
    """The source's column whose values a result has unchanged; None if there is none."""
    from sqlglot import exp

    value = made.unalias()
    return _declared(query, value) if isinstance(value, exp.Column) else None


def _declared(query: Query, column: exp.Column) -> Column | None:
    """How the relation declares a column, through CTEs and subqueries that hand it on."""
    from sqlglot import exp

    for scope in query.scopes:
        if not any(column is each for each in scope.columns):
            continue
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            block = query.checked.pipeline.relations().get(source.name.lower())
            return (
                next((c for c in block.columns if c.name == column.name), None) if block else None
            )
        select = source.expression if source else None
        for inner in select.selects if isinstance(select, exp.Select) else ():
            value = inner.unalias()
            if inner.alias_or_name == column.name and isinstance(value, exp.Column):
                return _declared(query, value)
    return None
