"""Redshift's types of expressions, where sqlglot has others: most of all those of decimals.

Sources: Redshift's Database Developer Guide, "SUM function", "AVG function", "Numeric types" (a
decimal without arguments), "ROUND function", "CEILING function".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from etl_framework.sql.names import COMPARED
from etl_framework.sql.parser import AS_FLOAT
from etl_framework.sql.percentiles import percentile_type

if TYPE_CHECKING:
    from sqlglot import exp


# The types of functions that sqlglot does not know.
_CALLED = {
    **dict.fromkeys(("OCTET_LENGTH", "JSON_ARRAY_LENGTH", "CHECKSUM", "DATE_PART_YEAR"), "INTEGER"),
    **dict.fromkeys((*COMPARED, "TEXTLEN", "OCTETINDEX"), "INTEGER"),
    **dict.fromkeys(("IS_VALID_JSON", "IS_VALID_JSON_ARRAY", "CAN_JSON_PARSE"), "BOOLEAN"),
    **dict.fromkeys(("JSON_EXTRACT_PATH_TEXT", "JSON_EXTRACT_ARRAY_ELEMENT_TEXT"), "VARCHAR"),
    **dict.fromkeys(("FNV_HASH", "CRC32"), "BIGINT"),
    **dict.fromkeys(("DEXP", "DLOG1", "DLOG10"), "DOUBLE PRECISION"),
    "ADD_MONTHS": "TIMESTAMP",
}


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
        exp.Sub: _difference,
        exp.Mod: lambda node: added(node.left.type, node.right.type) and _remainder(node),
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
        exp.TsOrDsAdd: lambda node: _moment(node.this),
        exp.TimestampTrunc: lambda node: _moment(node.this),
        exp.TsOrDsDiff: lambda node: "BIGINT",
        exp.MonthsBetween: lambda node: "DOUBLE PRECISION",
        exp.NextDay: lambda node: "DATE",
        exp.ConvertTimezone: lambda node: "TIMESTAMP",
        exp.RegexpCount: lambda node: "INTEGER",
        exp.RegexpInstr: lambda node: "INTEGER",
        exp.FromBase: lambda node: "BIGINT",
        exp.Median: percentile_type,
        exp.WithinGroup: percentile_type,
        exp.Extract: _part,
        exp.DecodeCase: lambda node: _one_of(_decoded(node.expressions)),
        exp.Nvl2: lambda node: _one_of([node.args["true"], node.args.get("false")]),
        exp.Anonymous: lambda node: _CALLED.get(str(node.this).upper(), ""),
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
    from sqlglot import exp

    if isinstance(node, exp.Trunc) and node.this.is_type(*exp.DataType.TEMPORAL_TYPES):
        return "DATE"
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
    from sqlglot import exp

    size = decimal_of(node.this.type)
    if node.this.type and is_unsized(node.this.type):
        return SOME_DECIMAL
    if node.this.type and node.this.type.this in exp.DataType.FLOAT_TYPES:
        return "DOUBLE PRECISION"
    return decimal(size[0], 0) if size and is_decimal(node.this.type) else ""


def _cast(node: exp.Cast) -> str:
    from sqlglot import exp

    bare = node.to.is_type(exp.DType.DECIMAL) and not node.to.expressions
    return "DECIMAL(18,0)" if bare else ""


def _difference(node: exp.Sub) -> str:
    """The type of a difference; between two dates it is a number of days."""
    from sqlglot import exp

    if node.left.is_type(exp.DType.DATE) and node.right.is_type(exp.DType.DATE):
        return "INTEGER"
    return added(node.left.type, node.right.type)


def _remainder(node: exp.Mod) -> str:
    """The type of a remainder: it has the digits of both sides behind the point."""
    sides = [decimal_of(node.left.type), decimal_of(node.right.type)]
    if None in sides:
        return SOME_DECIMAL
    scale = max(size[1] for size in sides if size)
    return decimal(max(size[0] - size[1] for size in sides if size) + scale, scale)


def _part(node: exp.Extract) -> str:
    """The type of a part of a date: DATE_PART gives a float, and EXTRACT an integer."""
    if node.meta.get(AS_FLOAT):
        return "DOUBLE PRECISION"
    return "BIGINT" if node.name.upper() == "EPOCH" else "INTEGER"


def _moment(value: exp.Expr) -> str:
    from sqlglot import exp

    return "TIMESTAMPTZ" if value.is_type(exp.DType.TIMESTAMPTZ) else "TIMESTAMP"


def _decoded(values: Sequence[exp.Expr]) -> Sequence[exp.Expr]:
    """What `DECODE(a, 1, 'x', 2, 'y', 'z')` may give: its third, fifth and last values."""
    results = values[2::2]
    return [*results, values[-1]] if len(values) % 2 == 0 else results


def _one_of(values: Sequence[exp.Expr | None]) -> str:
    """The type of what is one of some values; empty if it is not known."""
    from sqlglot import exp

    if number := common(values):
        return number
    known = [v for v in values if v is not None and not isinstance(v, exp.Null)]
    types = [value.type for value in known]
    if types and all(t and t.is_type(*exp.DataType.INTEGER_TYPES) for t in types):
        wide = any(t and t.is_type(exp.DType.BIGINT) for t in types)
        return "BIGINT" if wide else "INTEGER"
    first = types[0] if types else None
    alike = first and all(t and t.this == first.this for t in types)
    return first.sql("redshift") if first and alike and not first.is_type(exp.DType.UNKNOWN) else ""
