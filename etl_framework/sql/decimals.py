"""The precision and scale of decimals, as Redshift computes them.

Source: Redshift's Database Developer Guide, "Computations with numeric values".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

MOST_DIGITS = 38
LEAST_SCALE = 4  # of a quotient
SOME_DECIMAL = "DECIMAL"  # of digits that are not known
# The digits of an integer, where it meets a decimal.
DIGITS = {"SMALLINT": 5, "INT": 10, "BIGINT": 19}


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
    """The type of a sum or difference of two values; empty if neither is a decimal."""
    if not (sides := _sides(left, right)):
        return _unsized(left, right)
    (p1, s1), (p2, s2) = sides
    scale = max(s1, s2)
    return decimal(max(p1 - s1, p2 - s2) + 1 + scale, scale)


def multiplied(left: exp.DataType | None, right: exp.DataType | None) -> str:
    """The type of a product of two values; empty if neither is a decimal."""
    if not (sides := _sides(left, right)):
        return _unsized(left, right)
    (p1, s1), (p2, s2) = sides
    return decimal(p1 + p2 + 1, s1 + s2)


def divided(left: exp.DataType | None, right: exp.DataType | None) -> str:
    """The type of a quotient of two values; empty if neither is a decimal.

    A type with too many digits loses those of its scale, but keeps at least four.
    """
    if not (sides := _sides(left, right)):
        return _unsized(left, right)
    (p1, s1), (p2, s2) = sides
    scale = max(LEAST_SCALE, s1 + p2 - s2 + 1)
    digits = p1 - s1 + s2 + scale
    if digits > MOST_DIGITS:
        scale = max(LEAST_SCALE, MOST_DIGITS + scale - digits)
    return decimal(digits, scale)


def common(nodes: Iterable[exp.Expr | None]) -> str:
    """The type of a value that is one of these numbers; empty unless all are numbers or NULL."""
    from sqlglot import exp

    types = [node.type for node in nodes if node is not None and not _is_null(node)]
    if any(type_ and type_.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) for type_ in types):
        numbers = all(type_ and type_.is_type(*exp.DataType.NUMERIC_TYPES) for type_ in types)
        return "DOUBLE PRECISION" if numbers else ""
    sizes = [decimal_of(type_) for type_ in types]
    if any(type_ and is_unsized(type_) for type_ in types):
        return SOME_DECIMAL
    if not any(map(is_decimal, types)) or None in sizes:
        return ""
    scale = max(size[1] for size in sizes if size)
    return decimal(max(size[0] - size[1] for size in sizes if size) + scale, scale)


def is_unsized(type_: exp.DataType) -> bool:
    """Whether a type is a decimal whose digits are not known."""
    from sqlglot import exp

    return bool(type_.is_type(exp.DType.DECIMAL) and not type_.expressions)


def _unsized(left: exp.DataType | None, right: exp.DataType | None) -> str:
    """The type of a decimal with a number that is no sized decimal; empty if neither is a decimal.

    For sqlglot it would have the digits of the one side, which cut those of the other.
    """
    from sqlglot import exp

    types = [type_ for type_ in (left, right) if type_]
    if not any(type_.is_type(exp.DType.DECIMAL) for type_ in types):
        return ""
    floats = any(type_.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) for type_ in types)
    return "DOUBLE PRECISION" if floats else SOME_DECIMAL


def _sides(
    left: exp.DataType | None, right: exp.DataType | None
) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The precision and scale of both, if they are exact numbers and one is a decimal."""
    first, second = decimal_of(left), decimal_of(right)
    if first and second and (is_decimal(left) or is_decimal(right)):
        return first, second
    return None


def decimal(digits: int, scale: int) -> str:
    """The type of a decimal, with as many digits as there may be at the most."""
    digits = min(digits, MOST_DIGITS)
    return f"DECIMAL({digits},{min(scale, digits)})"


def _is_null(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node.unnest(), exp.Null)
