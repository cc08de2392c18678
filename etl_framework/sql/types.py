"""Redshift's types of expressions, where sqlglot has others: most of all those of decimals.

Sources: Redshift's Database Developer Guide, "SUM function", "AVG function", "Numeric types" (a
decimal without arguments), "ROUND function", "CEILING function".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from etl_framework.sql.decimals import (
    MOST_DIGITS,
    SOME_DECIMAL,
    added,
    common,
    decimal,
    decimal_of,
    divided,
    is_decimal,
    is_unsized,
    multiplied,
)

if TYPE_CHECKING:
    from sqlglot import exp


@cache
def types_told() -> Any:
    """sqlglot's rules for the types of nodes, with those of Redshift in their place."""
    from sqlglot import Dialect, exp

    known = Dialect.get_or_raise("redshift").EXPRESSION_METADATA
    rules: dict[type[exp.Expr], Callable[[Any], str]] = {
        exp.Literal: _literal,
        exp.Sum: _sum,
        exp.Avg: _mean,
        exp.Add: lambda node: added(node.left.type, node.right.type),
        exp.Sub: lambda node: added(node.left.type, node.right.type),
        exp.Mul: lambda node: multiplied(node.left.type, node.right.type),
        exp.Div: lambda node: divided(node.left.type, node.right.type),
        exp.Round: _rounded,
        exp.Trunc: _rounded,
        exp.Ceil: _whole,
        exp.Floor: _whole,
        exp.Coalesce: lambda node: common([node.this, *node.expressions]),
        exp.Greatest: lambda node: common([node.this, *node.expressions]),
        exp.Least: lambda node: common([node.this, *node.expressions]),
        exp.Case: lambda node: common(
            [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
        ),
        exp.If: lambda node: common([node.args["true"], node.args.get("false")]),
        exp.Nullif: lambda node: (
            node.this.type.sql("redshift") if decimal_of(node.this.type) else ""
        ),
        exp.Cast: _cast,
        exp.TryCast: _cast,
    }
    passing = {
        *(exp.Column, exp.Paren, exp.Neg, exp.Abs, exp.Min, exp.Max, exp.AnyValue, exp.Alias),
        *(exp.Window, exp.Filter, exp.Subquery, exp.Distinct, exp.FirstValue, exp.LastValue),
        *(exp.NthValue, exp.IgnoreNulls, exp.RespectNulls),
    }
    others = {kind: _doubted(entry) for kind, entry in known.items() if kind not in passing}
    return {
        **known,
        **others,
        **{kind: _told(known.get(kind), rule) for kind, rule in rules.items()},
    }


def _doubted(known: dict[str, Any]) -> dict[str, Any]:
    """The entry of a kind of node whose decimals may have more digits than sqlglot says.

    `MOD(a, b)` has the type of `a` for sqlglot. Without its digits, nothing is cut to them.
    """
    if "annotator" not in known:
        return known

    def annotator(annotate: Any, node: exp.Expr) -> None:
        known["annotator"](annotate, node)
        if is_decimal(node.type):
            annotate._set_type(node, _built(SOME_DECIMAL))

    return {**known, "annotator": annotator}


def _told(known: Any, rule: Callable[[Any], str]) -> dict[str, Any]:
    """The entry of a kind of node: our type of it, or else sqlglot's."""

    def annotator(annotate: Any, node: exp.Expr) -> None:
        if known and "annotator" in known:
            known["annotator"](annotate, node)
        else:
            annotate._set_type(node, known and known.get("returns"))
        if ours := rule(node):
            annotate._set_type(node, _built(ours))

    return {"annotator": annotator}


@cache
def _built(name: str) -> exp.DataType:
    from sqlglot import exp

    return exp.DataType.build(name, dialect="redshift")


def _literal(node: exp.Literal) -> str:
    if node.is_string or not node.name.replace(".", "").isdigit():
        return ""
    whole, point, fraction = node.name.partition(".")
    if point and fraction:
        return decimal(len(whole or "0") + len(fraction), len(fraction))
    if int(whole or 0) < 2**31:
        return "INTEGER"
    return "BIGINT" if int(whole) < 2**63 else decimal(len(whole), 0)


def _sum(node: exp.Sum) -> str:
    from sqlglot import exp

    if node.this.is_type(*exp.DataType.INTEGER_TYPES):
        return "BIGINT"
    size = decimal_of(node.this.type)
    return decimal(MOST_DIGITS, size[1]) if size else ""


def _mean(node: exp.Avg) -> str:
    from sqlglot import exp

    if node.this.is_type(*exp.DataType.INTEGER_TYPES):
        return "BIGINT"
    size = decimal_of(node.this.type)
    return decimal(MOST_DIGITS, size[1]) if size else "DOUBLE PRECISION"


def _rounded(node: exp.Round | exp.Trunc) -> str:
    """ROUND and TRUNC keep the type of a number, with as many digits as they are told."""
    size, digits = decimal_of(node.this.type), node.args.get("decimals")
    if node.this.type and is_unsized(node.this.type):
        return SOME_DECIMAL
    if size is None or not is_decimal(node.this.type):
        return _same(node.this)
    if digits is None:
        return decimal(size[0], 0)
    if not digits.is_int:
        return decimal(*size)
    return decimal(size[0], min(max(int(digits.to_py()), 0), size[1]))


def _same(node: exp.Expr) -> str:
    """The type of an exact number; empty for another value."""
    return node.type.sql("redshift") if node.type and decimal_of(node.type) else ""


def _whole(node: exp.Ceil | exp.Floor) -> str:
    size = decimal_of(node.this.type)
    if node.this.type and is_unsized(node.this.type):
        return SOME_DECIMAL
    return decimal(size[0], 0) if size and is_decimal(node.this.type) else ""


def _cast(node: exp.Cast) -> str:
    from sqlglot import exp

    bare = node.to.is_type(exp.DType.DECIMAL) and not node.to.expressions
    return "DECIMAL(18,0)" if bare else ""
