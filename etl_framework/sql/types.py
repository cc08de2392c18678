"""Redshift's types of expressions, where sqlglot has others: most of all those of decimals.

Sources: Redshift's Database Developer Guide, "Computations with numeric values" (precision and
scale of decimals), "SUM function", "AVG function", "Numeric types" (a decimal without arguments),
"ROUND function", "CEILING function".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

MOST_DIGITS = 38
LEAST_SCALE = 4  # of a quotient
# The digits of an integer, where it meets a decimal.
DIGITS = {"SMALLINT": 5, "INT": 10, "BIGINT": 19}


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
    return {**known, **{kind: _told(known.get(kind), rule) for kind, rule in rules.items()}}


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


def decimal_of(type_: exp.DataType | None) -> tuple[int, int] | None:
    """The precision and scale of an exact number's type; None for any other type.

    An integer counts as a decimal without a scale: `INTEGER` gives (10, 0).
    """
    from sqlglot import exp

    if type_ is None:
        return None
    if type_.is_type(exp.DType.DECIMAL):
        sizes = [int(size.name) for size in type_.expressions]
        return (sizes[0], sizes[1] if len(sizes) > 1 else 0) if sizes else None
    digits = DIGITS.get(type_.this.name) if isinstance(type_.this, exp.DType) else None
    return (digits, 0) if digits else None


def is_decimal(type_: exp.DataType | None) -> bool:
    """Whether a type is a decimal of known precision and scale."""
    from sqlglot import exp

    return bool(type_ and type_.is_type(exp.DType.DECIMAL) and type_.expressions)


def added(left: exp.DataType | None, right: exp.DataType | None) -> str:
    """The type of a sum or difference of two values, one of them a decimal; otherwise empty."""
    if not (sides := _sides(left, right)):
        return ""
    (p1, s1), (p2, s2) = sides
    scale = max(s1, s2)
    return _decimal(max(p1 - s1, p2 - s2) + 1 + scale, scale)


def multiplied(left: exp.DataType | None, right: exp.DataType | None) -> str:
    """The type of a product of two values, one of them a decimal; otherwise empty."""
    if not (sides := _sides(left, right)):
        return ""
    (p1, s1), (p2, s2) = sides
    return _decimal(p1 + p2 + 1, s1 + s2)


def divided(left: exp.DataType | None, right: exp.DataType | None) -> str:
    """The type of a quotient of two values, one of them a decimal; otherwise empty.

    A type with too many digits loses those of its scale, but keeps at least four.
    """
    if not (sides := _sides(left, right)):
        return ""
    (p1, s1), (p2, s2) = sides
    scale = max(LEAST_SCALE, s1 + p2 - s2 + 1)
    digits = p1 - s1 + s2 + scale
    if digits > MOST_DIGITS:
        scale = max(LEAST_SCALE, MOST_DIGITS + scale - digits)
    return _decimal(digits, scale)


def common(nodes: Iterable[exp.Expr | None]) -> str:
    """The type of a value that is one of these numbers; empty unless all are numbers or NULL."""
    from sqlglot import exp

    types = [node.type for node in nodes if node is not None and not _is_null(node)]
    if any(type_ and type_.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) for type_ in types):
        floats = (*exp.DataType.NUMERIC_TYPES,)
        return "DOUBLE PRECISION" if all(t and t.is_type(*floats) for t in types) else ""
    sizes = [decimal_of(type_) for type_ in types]
    if not any(map(is_decimal, types)) or None in sizes:
        return ""
    scale = max(size[1] for size in sizes if size)
    return _decimal(max(size[0] - size[1] for size in sizes if size) + scale, scale)


def _sides(
    left: exp.DataType | None, right: exp.DataType | None
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The precision and scale of both, if they are exact numbers and one is a decimal."""
    first, second = decimal_of(left), decimal_of(right)
    if first and second and (is_decimal(left) or is_decimal(right)):
        return first, second
    return None


def _decimal(digits: int, scale: int) -> str:
    digits = min(digits, MOST_DIGITS)
    return f"DECIMAL({digits},{min(scale, digits)})"


def _is_null(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node.unnest(), exp.Null)


def _literal(node: exp.Literal) -> str:
    if node.is_string or not node.name.replace(".", "").isdigit():
        return ""
    whole, point, fraction = node.name.partition(".")
    if point and fraction:
        return _decimal(len(whole or "0") + len(fraction), len(fraction))
    if int(whole or 0) < 2**31:
        return "INTEGER"
    return "BIGINT" if int(whole) < 2**63 else _decimal(len(whole), 0)


def _sum(node: exp.Sum) -> str:
    from sqlglot import exp

    if node.this.is_type(*exp.DataType.INTEGER_TYPES):
        return "BIGINT"
    size = decimal_of(node.this.type)
    return _decimal(MOST_DIGITS, size[1]) if size else ""


def _mean(node: exp.Avg) -> str:
    from sqlglot import exp

    if node.this.is_type(*exp.DataType.INTEGER_TYPES):
        return "BIGINT"
    size = decimal_of(node.this.type)
    return _decimal(MOST_DIGITS, size[1]) if size else "DOUBLE PRECISION"


def _rounded(node: exp.Round | exp.Trunc) -> str:
    """ROUND and TRUNC keep the type of a number, with as many digits as they are told."""
    size, digits = decimal_of(node.this.type), node.args.get("decimals")
    if size is None or not is_decimal(node.this.type):
        return _same(node.this)
    if digits is None:
        return _decimal(size[0], 0)
    if not digits.is_int:
        return _decimal(*size)
    return _decimal(size[0], min(max(int(digits.to_py()), 0), size[1]))


def _same(node: exp.Expr) -> str:
    """The type of an exact number; empty for another value."""
    return node.type.sql("redshift") if node.type and decimal_of(node.type) else ""


def _whole(node: exp.Ceil | exp.Floor) -> str:
    size = decimal_of(node.this.type)
    return _decimal(size[0], 0) if size and is_decimal(node.this.type) else ""


def _cast(node: exp.Cast) -> str:
    from sqlglot import exp

    bare = node.to.is_type(exp.DType.DECIMAL) and not node.to.expressions
    return "DECIMAL(18,0)" if bare else ""
