"""Arithmetic on DuckDB with the values that Redshift gives: division, means, sums, remainders.

Sources: Redshift's Database Developer Guide, "Mathematical operator symbols" (integer division),
"Computations with numeric values" (the scale of a quotient), "SUM function", "AVG function".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.sql.decimals import (
    MOST_DIGITS,
    SOME_DECIMAL,
    decimal,
    decimal_of,
    divided,
    is_decimal,
)

if TYPE_CHECKING:
    from sqlglot import exp

QUICK_DIGITS = 18  # of a decimal that DuckDB keeps in 64 bits


def divide(node: exp.Div) -> None:
    """Divide integers to an integer and decimals to a decimal; a zero divisor is an error."""
    from sqlglot import exp

    left, right = node.left, node.right
    quotient = divided(left.type, right.type)
    node.set("expression", not_zero(right))
    if quotient.startswith(f"{SOME_DECIMAL}("):
        node.replace(_exact(node.left, left.type, node.right, right.type, quotient))
    elif node.args.get("typed") and all(
        side.is_type(*exp.DataType.INTEGER_TYPES) for side in (left, right)
    ):
        whole = exp.IntDiv(this=_integer(node.left), expression=_integer(node.right))
        node.replace(_of_type(whole, "BIGINT", node))


def combine(node: exp.Add | exp.Sub | exp.Mul) -> None:
    """Give a sum or product of decimals room for all digits: DuckDB keeps to 18 if both do.

    `a * b` of two decimal(10,2) becomes `CAST(a AS DECIMAL(19,2)) * b`.
    """
    from sqlglot import exp

    sides = decimal_of(node.left.type), decimal_of(node.right.type)
    result = decimal_of(node.type)
    if not (result and is_decimal(node.type) and sides[0] and sides[1]):
        return
    if result[0] > QUICK_DIGITS >= max(sides[0][0], sides[1][0]):
        wider = f"DECIMAL({QUICK_DIGITS + 1},{sides[0][1]})"
        left = exp.cast(exp.paren(node.left.copy(), copy=False), wider)
        node.set("this", left)


def not_zero(divisor: exp.Expr) -> exp.Expr:
    """Make a zero divisor an error, as on Redshift; DuckDB would give infinity or NULL.

    `b` becomes `(CASE WHEN b = 0 THEN ERROR('etl: division by zero') ELSE b END)`.
    """
    from sqlglot import exp

    plain = divisor.unnest()
    if isinstance(plain, exp.Nullif) or (plain.is_number and float(plain.to_py())):
        return divisor
    refused = exp.Anonymous(this="error", expressions=[exp.Literal.string("etl: division by zero")])
    checked = exp.case().when(
        exp.EQ(this=divisor.copy(), expression=exp.Literal.number(0)), refused
    )
    checked = checked.else_(divisor, copy=False)
    whole = exp.paren(checked, copy=False)
    whole.type = divisor.type
    return whole


def total(node: exp.Sum) -> None:
    """Give a sum of integers the type BIGINT: DuckDB has a wider one, which no file can hold."""
    from sqlglot import exp

    if node.this.is_type(*exp.DataType.INTEGER_TYPES):
        whole = _whole_call(node)
        whole.replace(_of_type(whole.copy(), "BIGINT", node))


def mean(node: exp.Avg) -> None:
    """Cut a mean of integers to an integer, and one of decimals to their scale.

    For decimals, `AVG(DISTINCT a) OVER w` is computed as `SUM(DISTINCT a) OVER w` divided by
    `COUNT(DISTINCT a) OVER w`.
    """
    from sqlglot import exp

    values = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    whole, size = _whole_call(node), decimal_of(values.type)
    if values.is_type(*exp.DataType.INTEGER_TYPES):
        whole.replace(_of_type(exp.func("TRUNC", whole.copy()), "BIGINT", node))
    elif size and is_decimal(values.type):
        parts = [_called_as(part, whole) for part in (exp.Sum, exp.Count)]
        quotient = f"DECIMAL({MOST_DIGITS},{size[1]})"
        counted = exp.func("NULLIF", parts[1], exp.Literal.number(0))
        sum_type = exp.DataType.build(quotient)
        whole.replace(_exact(parts[0], sum_type, counted, exp.DataType.build("BIGINT"), quotient))


def _called_as(aggregate: type[exp.AggFunc], whole: exp.Expr) -> exp.Expr:
    """The same call of another aggregate."""
    from sqlglot import exp

    call = whole.copy()
    average = call
    while not isinstance(average, exp.Avg):  # FILTER and OVER have the call as their first part
        average = average.this
    made = aggregate(this=average.this.copy())
    if average is call:
        return made
    average.replace(made)
    return call


def _whole_call(node: exp.Expr) -> exp.Expr:
    """An aggregate with the FILTER and the OVER that belong to it."""
    from sqlglot import exp

    whole = node
    while isinstance(whole.parent, exp.Filter | exp.Window) and whole.arg_key == "this":
        whole = whole.parent
    return whole


def _exact(
    left: exp.Expr,
    left_type: exp.DataType | None,
    right: exp.Expr,
    right_type: exp.DataType | None,
    quotient: str,
) -> exp.Expr:
    """The quotient of two exact numbers, cut off at its scale.

    Both become integers, and the division is one of integers. For a decimal(10,2) by an integer,
    which gives a decimal(21,13):

        CAST(CAST(CAST(a * 100 AS HUGEINT) * 100000000000 // CAST(b AS HUGEINT) AS DECIMAL(38,0))
            * 0.0000000000001 AS DECIMAL(21,13))

    :param quotient: the type of the result.
    """
    from sqlglot import exp

    (p1, s1), (p2, s2) = decimal_of(left_type) or (0, 0), decimal_of(right_type) or (0, 0)
    type_ = exp.DataType.build(quotient)
    _, scale = decimal_of(type_) or (0, 0)
    shift = scale + s2 - s1
    number, divisor = _unscaled(left, p1, s1), _unscaled(right, p2, s2)
    if shift > 0:
        number = exp.Mul(this=number, expression=_power_of_ten(shift))
    elif shift < 0:
        divisor = exp.Mul(this=divisor, expression=_power_of_ten(-shift))
    whole = exp.IntDiv(this=number, expression=exp.paren(divisor, copy=False))
    result: exp.Expr = exp.cast(whole, f"DECIMAL({MOST_DIGITS},0)", copy=False)
    if scale:
        unit = exp.Literal.number("0." + "0" * (scale - 1) + "1")
        result = exp.Mul(this=result, expression=unit)
    made = exp.cast(result, type_, copy=False)
    made.type = type_
    return made


def _unscaled(side: exp.Expr, digits: int, scale: int) -> exp.Expr:
    """The digits of an exact number as an integer: 12.50 becomes 1250."""
    from sqlglot import exp

    number = exp.paren(side, copy=False)
    if not scale:
        return exp.cast(number, "HUGEINT", copy=False, dialect="duckdb")
    # DuckDB keeps a product to 64 bits if both sides are; beyond those it is slower.
    room = digits if digits + scale < QUICK_DIGITS else max(digits, QUICK_DIGITS + 1)
    held = exp.cast(number, f"DECIMAL({room},{scale})", copy=False)
    if digits + scale <= MOST_DIGITS:
        product = exp.Mul(this=held, expression=exp.Literal.number(10**scale))
        return exp.cast(product, "HUGEINT", copy=False, dialect="duckdb")
    text = exp.func(
        "REPLACE",
        exp.cast(held, "TEXT", copy=False),
        exp.Literal.string("."),
        exp.Literal.string(""),
    )
    return exp.cast(text, "HUGEINT", copy=False, dialect="duckdb")


def _power_of_ten(power: int) -> exp.Expr:
    """A power of ten as DuckDB's HUGEINT."""
    from sqlglot import exp

    return exp.cast(exp.Literal.number(10**power), "HUGEINT", dialect="duckdb")


def _integer(side: exp.Expr) -> exp.Expr:
    """Cast an operand to an integer unless it is one on DuckDB too."""
    from sqlglot import exp

    if isinstance(side, exp.Column | exp.Literal | exp.Cast | exp.Count):
        return side.copy()
    return exp.cast(side.copy(), "BIGINT")


def _of_type(node: exp.Expr, type_: str, was: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    made = exp.cast(node, type_, copy=False)
    made.type = was.type
    return made


def cut_digits(node: exp.Trunc) -> None:
    """Cut digits behind the point, which DuckDB's TRUNC does since version 1.5 only.

    `TRUNC(a, 1)` of a decimal(10,3) becomes `CAST(a - a % 0.1 AS DECIMAL(10,1))`; of a double,
    `TRUNC(a * 10) / 10`.
    """
    from sqlglot import exp

    digits, value = node.args["decimals"], node.this
    if not digits.is_int:
        return
    places = int(digits.to_py())
    size = decimal_of(value.type)
    if size is None:
        if value.is_type(exp.DType.DOUBLE, exp.DType.FLOAT):
            factor = f"1e{places}"
            larger = exp.Mul(this=exp.paren(value.copy()), expression=exp.Literal.number(factor))
            whole = exp.Anonymous(this="TRUNC", expressions=[larger])
            node.replace(exp.paren(exp.Div(this=whole, expression=exp.Literal.number(factor))))
        return
    if places >= size[1]:
        node.replace(exp.paren(value.copy()))
        return
    least = "0." + "0" * (places - 1) + "1" if places > 0 else "1" + "0" * -places
    rest = exp.Mod(this=exp.paren(value.copy()), expression=exp.Literal.number(least))
    cut = exp.Sub(this=exp.paren(value.copy()), expression=exp.paren(rest))
    node.replace(exp.cast(exp.paren(cut), decimal(size[0], max(places, 0))))
