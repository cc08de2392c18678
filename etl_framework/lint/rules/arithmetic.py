"""Rules about divisions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.lint.sql_base import Finding, Query, SqlRule

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

_RATIO = re.compile(r"rate|ratio|share|percent|pct|average|avg|index|mean|per_", re.IGNORECASE)


class UnguardedDivision(SqlRule):
    """A divisor that may be zero stands in NULLIF: a division by zero ends the run."""

    codes = ("W403",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for scope in query.scopes if query.find_all(exp.Div) else ():
            for node in scope.find_all(exp.Div):
                divisor = node.right.unnest()
                if not (_never_zero(divisor, scope) or _asked_before(node, divisor)):
                    hint = f"write NULLIF({divisor.sql('redshift')}, 0)"[:100]
                    yield Finding(node.right, "the divisor may be zero, which ends the run", hint)


class IntegerDivision(SqlRule):
    """A ratio of two integers has a fraction, which the division of integers drops."""

    codes = ("W404",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.find_all(exp.Div):
            sides = [node.left.unnest(), node.right.unnest()]
            if not all(side.is_type(*exp.DataType.INTEGER_TYPES) for side in sides):
                continue
            alias = node.find_ancestor(exp.Alias)
            counted = all(side.find(exp.AggFunc) for side in sides)
            if counted or (alias and _RATIO.search(alias.alias)):
                hint = f"make one side a decimal: 1.0 * {node.left.sql('redshift')}"[:100]
                yield Finding(node, "both sides are integers: the fraction is dropped", hint)


def _never_zero(node: exp.Expr, scope: Scope) -> bool:
    """Return whether a value is never zero; it may be NULL."""
    from sqlglot import exp

    node = node.unnest()
    if isinstance(node, exp.Cast):
        return _never_zero(node.this, scope)
    if isinstance(node, exp.Literal):
        return node.is_number and float(node.this) != 0
    if isinstance(node, exp.Neg):
        return _never_zero(node.this, scope)
    if isinstance(node, exp.Nullif):
        return True
    if isinstance(node, exp.Mul):
        return _never_zero(node.left, scope) and _never_zero(node.right, scope)
    if isinstance(node, exp.Greatest):
        return any(_positive(argument) for argument in [node.this, *node.expressions])
    if isinstance(node, exp.Window):
        return _counts_rows(node.this)
    if isinstance(node, exp.Column):
        return _made_never_zero(node, scope)
    return _counts_rows(node) and bool(scope.expression.args.get("group"))


def _made_never_zero(column: exp.Column, scope: Scope) -> bool:
    """Return whether the subquery or CTE that a column comes from never makes it zero."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    source = scope.sources.get(column.table)
    if not isinstance(source, Scope) or not isinstance(source.expression, exp.Select):
        return False
    made = (select for select in source.expression.selects if select.alias_or_name == column.name)
    return any(_never_zero(select.unalias(), source) for select in made)


def _positive(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Literal) and node.is_number and float(node.this) > 0


def _counts_rows(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Count) and isinstance(node.this, exp.Star | exp.Literal)


def _asked_before(node: exp.Expr, divisor: exp.Expr) -> bool:
    """Return whether a CASE around the division has tested the divisor."""
    from sqlglot import exp

    around = node.find_ancestor(exp.If, exp.Case, exp.Select)
    while around is not None and not isinstance(around, exp.Select):
        asked = around.args["ifs"] if isinstance(around, exp.Case) else [around]
        if any(divisor in list(branch.this.walk()) for branch in asked):
            return True
        around = around.find_ancestor(exp.If, exp.Case, exp.Select)
    return False
