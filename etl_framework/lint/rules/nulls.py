"""Rules about missing values that change a result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from etl_framework.lint.rules.declared import may_be_null
from etl_framework.lint.rules.joins import covered, equal_columns
from etl_framework.lint.sql_base import Finding, Query, SqlRule

if TYPE_CHECKING:
    from sqlglot import exp


class NotInNulls(SqlRule):
    """NOT IN asks a subquery without NULLs: with one NULL in it no row is left."""

    codes = ("W409",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.find_all(exp.Not):
            inside = node.this.unnest()
            subquery = inside.args.get("query") if isinstance(inside, exp.In) else None
            select = subquery.unnest() if subquery else None
            if isinstance(select, exp.Select) and _gives_null(query, select):
                hint = "add WHERE ... IS NOT NULL to it, or write NOT EXISTS"
                yield Finding(inside, "one NULL in the subquery, and NOT IN is never true", hint)


class CountOfNothing(SqlRule):
    """COUNT(*) behind a LEFT JOIN counts the row of who has none as one.

    Only where the joined side may have several rows: else it is the other side that is counted.
    """

    codes = ("W411",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for scope, joins in _outer_joins(query):
            select = scope.expression
            if not select.args.get("group") or len(joins) < len(select.args["joins"]):
                continue
            for join in joins:
                name = join.alias_or_name
                if any(_takes_out(test, name) for test in _tests(select)):
                    continue
                pairs = list(equal_columns(join.args.get("on"), name))
                one = {table for _, table, _ in pairs}
                if (
                    not pairs
                    or covered(query, scope, name, pairs) is not False
                    or not all(
                        covered(
                            query, scope, table, [(b, name, a) for a, t, b in pairs if t == table]
                        )
                        for table in one
                    )
                ):
                    continue
                for count in _of(scope, exp.Count):
                    if isinstance(count.this, exp.Star):
                        hint = f"write COUNT({name}.{pairs[0][0]})"
                        message = f"a row that '{name}' has nothing for is counted as one"
                        yield Finding(count, message, hint)


class MeanOfNulls(SqlRule):
    """A mean is over the rows that have a value: SUM skips those without, COUNT(*) does not."""

    codes = ("W412",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.find_all(exp.Div):
            total = node.left.find(exp.Sum)
            count = node.right.find(exp.Count)
            if not (total and count and isinstance(count.this, exp.Star)):
                continue
            if total.find_ancestor(exp.Window) or count.find_ancestor(exp.Window):
                continue
            column = total.this.unnest()
            if isinstance(column, exp.Column) and may_be_null(query, column):
                shown = column.name
                message = f"a row without '{shown}' is counted and adds nothing"
                hint = f"divide by NULLIF(COUNT({shown}), 0), or declare {shown} as required"
                yield Finding(count, message, hint)


class OuterJoinUndone(SqlRule):
    """A LEFT JOIN keeps the rows that find nothing; a condition in WHERE takes them out again."""

    codes = ("W413",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for scope, joins in _outer_joins(query):
            for test in _tests(scope.expression):
                plain = test.unnest()
                compares = isinstance(plain, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.In)
                side = plain.this.unnest() if compares else None
                for join in joins:
                    if isinstance(side, exp.Column) and side.table == join.alias_or_name:
                        hint = "move it behind ON, or write a plain JOIN"
                        message = f"this takes out the rows that find nothing in '{side.table}'"
                        yield Finding(side, message, hint)


def _tests(select: exp.Expr) -> list[exp.Expr]:
    """Return the conditions of WHERE that must all be true."""
    from sqlglot import exp

    where = select.args.get("where")
    if not where:
        return []
    return list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]


def _takes_out(test: exp.Expr, table: str) -> bool:
    """Return whether a condition drops rows in which a table's columns are NULL."""
    from sqlglot import exp

    plain = test.unnest()
    asked = plain.this if isinstance(plain, exp.Not) else plain
    if isinstance(asked, exp.Is) != isinstance(plain, exp.Not) or isinstance(asked, exp.Or):
        return False
    return isinstance(asked.this, exp.Column) and asked.this.table == table


def _outer_joins(query: Query) -> Iterator[tuple[Any, list[exp.Join]]]:
    """Return the scope of each SELECT that has LEFT JOINs, with these joins."""
    for scope in query.scopes:
        joins = [join for join in scope.expression.args.get("joins") or [] if join.side == "LEFT"]
        if joins:
            yield scope, joins


def _of(scope: Any, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Return the nodes of one SELECT, without those of subqueries and windows."""
    from sqlglot import exp

    for select in scope.expression.selects:
        for node in select.find_all(kind):
            if node.find_ancestor(exp.Select) is scope.expression and not isinstance(
                node.parent, exp.Window
            ):
                yield node


def _gives_null(query: Query, select: exp.Select) -> bool:
    from sqlglot import exp

    value = select.selects[0].unalias()
    if not isinstance(value, exp.Column):
        return False
    where = select.args.get("where")
    for test in where.find_all(exp.Not) if where else ():
        if isinstance(test.this, exp.Is) and test.this.this == value:
            return False
    return may_be_null(query, value) is not False
