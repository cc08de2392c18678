"""Rules about divisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from etl_framework.lint.rules.keys import conjuncts
from etl_framework.lint.sql_base import Finding, Query, SqlRule

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

# By the comparison of a value with a number: whether zero fails it; the comparison turned round.
_WITHOUT_ZERO: dict[str, Callable[[float], bool]] = {
    "neq": lambda number: number == 0,
    "gt": lambda number: number >= 0,
    "gte": lambda number: number > 0,
    "lt": lambda number: number <= 0,
    "lte": lambda number: number < 0,
}
_TURNED = {"neq": "neq", "gt": "lt", "gte": "lte", "lt": "gt", "lte": "gte"}
_RATIO = re.compile(r"rate|ratio|share|percent|pct|average|avg|index|mean|per_", re.IGNORECASE)


class UnguardedDivision(SqlRule):
    """A divisor that may be zero stands in NULLIF: a division by zero ends the run."""

    codes = ("W403",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for scope in query.scopes if query.find_all(exp.Div) else ():
            for node in scope.find_all(exp.Div):
                divisor = _uncast(node.right)
                if not (
                    _never_zero(divisor, scope)
                    or _asked_before(node, divisor)
                    or _kept_from_zero(divisor, scope)
                ):
                    hint = f"write NULLIF({node.right.unnest().sql('redshift')}, 0)"[:100]
                    yield Finding(node.right, "the divisor may be zero, which ends the run", hint)


class IntegerDivision(SqlRule):
    """A ratio of two integers has a fraction, which Redshift drops; so it does of their mean."""

    codes = ("W404",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.find_all(exp.Div):
            sides = [node.left.unnest(), node.right.unnest()]
            if not all(side.is_type(*exp.DataType.INTEGER_TYPES) for side in sides):
                continue
            alias = node.find_ancestor(exp.Alias)
            summed = bool(sides[0].find(exp.Sum, exp.Count, exp.Avg))
            if summed or _is_rounded(node) or (alias and _RATIO.search(alias.alias)):
                hint = f"make one side a decimal: 1.0 * {node.left.sql('redshift')}"[:100]
                yield Finding(node, "both sides are integers: the fraction is dropped", hint)
        for mean in query.find_all(exp.Avg):
            if mean.this.is_type(*exp.DataType.INTEGER_TYPES):
                hint = f"write AVG(1.0 * {mean.this.sql('redshift')})"[:100]
                yield Finding(
                    mean, "the mean of integers is one too: its fraction is dropped", hint
                )


def _is_rounded(node: exp.Expr) -> bool:
    """Return whether a value is rounded to digits behind the point."""
    from sqlglot import exp

    around = node.parent
    while isinstance(around, exp.Paren | exp.Mul | exp.Neg):
        around = around.parent
    digits = around.args.get("decimals") if isinstance(around, exp.Round) else None
    return digits is not None and digits.sql() != "0"


def _uncast(node: exp.Expr) -> exp.Expr:
    """Return an integer without the CASTs around it, which leave it what it is: zero or not."""
    from sqlglot import exp

    inner = node = node.unnest()
    while isinstance(inner, exp.Cast) and inner.to.is_type(*exp.DataType.NUMERIC_TYPES):
        inner = inner.this.unnest()
    return inner if inner.is_type(*exp.DataType.INTEGER_TYPES) else node


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
    return any(
        _never_zero(select.unalias(), source) or _kept_from_zero(select.unalias(), source)
        for select in made
    )


def _kept_from_zero(node: exp.Expr, scope: Scope) -> bool:
    """Return whether WHERE, HAVING or a JOIN keeps only rows in which a value is not zero."""
    from sqlglot import exp

    select = scope.expression
    tests = [*conjuncts(select.args.get("where")), *conjuncts(select.args.get("having"))]
    for join in select.args.get("joins") or []:
        tests += conjuncts(join.args.get("on")) if not join.side else []
    for test in tests:
        if not isinstance(test, exp.Binary) or test.key not in _WITHOUT_ZERO:
            continue
        sides = [(test.key, test.left, test.right), (_TURNED[test.key], test.right, test.left)]
        for kind, value, bound in sides:
            number = _number(bound)
            if value.unnest() == node and number is not None and _WITHOUT_ZERO[kind](number):
                return True
    return False


def _number(node: exp.Expr) -> float | None:
    """Return the number that an expression spells; None for another expression."""
    from sqlglot import exp

    node = node.unnest()
    if isinstance(node, exp.Neg):
        number = _number(node.this)
        return None if number is None else -number
    return float(node.this) if isinstance(node, exp.Literal) and node.is_number else None


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
        if isinstance(around, exp.Case) and around.this == divisor:
            return True
        if any(divisor in list(branch.this.walk()) for branch in asked):
            return True
        around = around.find_ancestor(exp.If, exp.Case, exp.Select)
    return False
