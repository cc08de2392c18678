"""Find subqueries that Redshift cannot run, because they name columns of the query around them.

Source: Redshift's Database Developer Guide, "Correlated subqueries".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

HINT = ": write a join, or a WITH that is computed before"


def refused_subqueries(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """Every such subquery, with a message that says what to write instead.

    :param tree: a query whose columns have the names of their tables.
    """
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    if not isinstance(tree, exp.Query):
        return
    for scope in traverse_scope(tree):
        outer = [column for column in scope.external_columns if column.table]
        select = scope.expression
        if outer and isinstance(select, exp.Select) and (why := _refused(select, scope, outer)):
            yield outer[0], why + HINT


def _refused(select: exp.Select, scope: Scope, outer: list[exp.Column]) -> str:
    """Why Redshift does not run a subquery that names outer columns; empty if it does."""
    from sqlglot import exp

    join, group = select.find_ancestor(exp.Join), select.find_ancestor(exp.Group)
    if scope.parent and any(column.table not in scope.parent.selected_sources for column in outer):
        return "Redshift runs no subquery that names a column two levels out"
    if join and join.side and join.args.get("on") and _lies_in(select, join.args["on"]):
        return "Redshift runs no subquery in ON of an outer join that names an outer column"
    if any(isinstance(node, exp.Window) for item in select.selects for node in item.walk()):
        return "Redshift runs no subquery with a window that names an outer column"
    if group and _lies_in(select, group):
        return "Redshift groups by no subquery that names an outer column"
    aggregates = [node for item in select.selects for node in item.find_all(exp.AggFunc)]
    around = select.parent.parent if isinstance(select.parent, exp.Subquery) else select.parent
    if (
        isinstance(around, exp.In)
        and select.args.get("group")
        and any(not isinstance(node, exp.Min | exp.Max) for node in aggregates)
    ):
        return "Redshift runs no IN over a grouped subquery that names an outer column"
    return ""


def _lies_in(node: exp.Expr, around: exp.Expr) -> bool:
    """Whether a node is a part of another."""
    now: exp.Expr | None = node
    while now is not None and now is not around:
        now = now.parent
    return now is around
