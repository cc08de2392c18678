"""Rules about joins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from etl_framework.lint.keys import Keys, keys_of_source
from etl_framework.lint.sql_base import Finding, Query, SqlRule

if TYPE_CHECKING:
    from sqlglot import exp


class CrossJoin(SqlRule):
    """A join says what belongs together, unless one side is a single row.

    Else each row meets each other, and a mistyped condition multiplies sums by millions.
    """

    codes = ("W406",)

    def find(self, query: Query) -> Iterator[Finding]:
        for scope, join, name in _joins(query):
            if join.args.get("on") or join.args.get("using") or join.method == "NATURAL":
                continue
            if _compared(scope, name) or _one_row(scope.sources.get(name)):
                continue
            hint = "say ON what the rows belong together"
            yield Finding(join.this, f"'{name}' is joined with nothing to say which rows", hint)


class FanOut(SqlRule):
    """A join finds at most one row on one of its sides, by a key that is declared.

    Else rows are repeated, and what is summed or counted behind the join is too much.
    """

    codes = ("W407",)

    def find(self, query: Query) -> Iterator[Finding]:
        for scope, join, name in _joins(query):
            pairs = list(_equal(join.args.get("on"), name))
            if not pairs or name not in scope.sources:
                continue
            here = {mine for mine, _, _ in pairs}
            if _covers(here, keys_of_source(query.checked, scope.sources[name])):
                continue
            others = {table for _, table, _ in pairs}
            if any(
                _covers(
                    {column for _, table, column in pairs if table == other},
                    keys_of_source(query.checked, scope.sources[other]),
                )
                for other in others
                if other in scope.sources
            ):
                continue
            by = ", ".join(sorted(here))
            message = f"neither side is known to have one row for each {by}: rows may multiply"
            hint = (
                "declare primary_key on the columns, or a check 'unique'; or group one side first"
            )
            yield Finding(join.this, message, hint)


def _joins(query: Query) -> Iterator[tuple[Any, exp.Join, str]]:
    """Each join with its scope and the name that its right side has there."""
    for scope in query.scopes:
        for join in scope.expression.args.get("joins") or []:
            yield scope, join, join.alias_or_name


def _equal(condition: exp.Expr | None, name: str) -> Iterator[tuple[str, str, str]]:
    """What a condition compares: our column, the other table and its column."""
    from sqlglot import exp

    for each in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        found = each.unnest() if each else None
        if not isinstance(found, exp.EQ):
            continue
        left, right = found.left.unnest(), found.right.unnest()
        if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
            continue
        for mine, other in ((left, right), (right, left)):
            if mine.table == name and other.table != name:
                yield mine.name.lower(), other.table, other.name.lower()


def _covers(columns: set[str], keys: Keys) -> bool:
    return any(each <= columns for each in keys)


def _compared(scope: Any, name: str) -> bool:
    """Whether WHERE says what a table of `FROM a, b` belongs to."""
    where = scope.expression.args.get("where")
    return bool(where and list(_equal(where.this, name)))


def _one_row(source: Any) -> bool:
    from sqlglot import exp

    select = getattr(source, "expression", None)
    if not isinstance(select, exp.Select) or isinstance(source, exp.Table):
        return False
    limit = select.args.get("limit")
    if limit and limit.expression.name == "1":
        return True
    if not select.args.get("from_"):
        return True
    plain = any(made.find(exp.AggFunc) and not made.find(exp.Window) for made in select.selects)
    return plain and not select.args.get("group")
