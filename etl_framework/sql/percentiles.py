"""MEDIAN and PERCENTILE_CONT on DuckDB, with the types and the digits that Redshift gives.

Source: Redshift's Database Developer Guide, "MEDIAN function", "PERCENTILE_CONT function".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.sql.decimals import decimal, decimal_of, is_unsized

if TYPE_CHECKING:
    from sqlglot import exp


def percentile_type(node: exp.Expr) -> str:
    """The type of a MEDIAN, or of a PERCENTILE_CONT with its order; empty if it is not known.

    A mean of two exact numbers is exact: MEDIAN of a decimal(10,2) is a decimal(11,3).
    """
    from sqlglot import exp

    values = _values(node)
    if values is None or values.type is None:
        return ""
    if is_unsized(values.type) or values.is_type(*exp.DataType.TEMPORAL_TYPES):
        return values.type.sql("redshift")
    if size := decimal_of(values.type):
        digits = _digits(node)
        return decimal(size[0] + digits, size[1] + digits)
    return "DOUBLE PRECISION" if values.is_type(*exp.DataType.FLOAT_TYPES) else ""


def percentile(node: exp.Expr) -> None:
    """Give the values of a percentile room for the digits of what lies between two of them.

    `MEDIAN(price)` of a decimal(10,2) becomes `MEDIAN(CAST(price AS DECIMAL(11,3)))`; that of a
    date becomes `CAST(MEDIAN(day) AS DATE)`.
    """
    from sqlglot import exp

    values = _values(node)
    if values is None:
        return
    if decimal_of(values.type) and (type_ := percentile_type(node)):
        values.replace(exp.cast(values.copy(), type_))
    elif values.is_type(exp.DType.DATE):
        whole = node.parent if isinstance(node.parent, exp.Window) else node
        whole.replace(exp.cast(whole.copy(), "DATE"))


def _values(node: exp.Expr) -> exp.Expr | None:
    """The values that a MEDIAN or PERCENTILE_CONT orders; None for another node."""
    from sqlglot import exp

    values: exp.Expr | None = None
    if isinstance(node, exp.Median):
        values = node.this
    elif isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.PercentileCont):
        ordered = node.expression.expressions[0]
        values = ordered.this if isinstance(ordered, exp.Ordered) else ordered
    return values


def _digits(node: exp.Expr) -> int:
    """How many digits a percentile adds behind the point: those of its fraction."""
    from sqlglot import exp

    if isinstance(node, exp.Median):
        return 1
    fraction = node.this.this.name if node.this.this.is_number else ""
    return len(fraction.partition(".")[2].rstrip("0"))
