"""Rewrite what sqlglot would translate to SQL that gives other values on DuckDB.

Sources: Redshift's Database Developer Guide, "DATEADD function" and "DATE_TRUNC function" (the
types of their results), "TRUNC function" (dates), "RATIO_TO_REPORT window function"; those of the
modules that this one calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from etl_framework.errors import PlanError
from etl_framework.sql import json_texts, moments, patterns, texts
from etl_framework.sql.arithmetic import combine, cut_digits, divide, mean, not_zero, total
from etl_framework.sql.formats import format_date
from etl_framework.sql.names import (
    CALLED,
    COMPARED,
    compared,
    known_part,
    name_part,
    number_in_base,
)
from etl_framework.sql.percentiles import percentile

if TYPE_CHECKING:
    from sqlglot import exp

# Kinds of nodes whose first argument is a text, for which Redshift takes numbers and moments too.
_TAKE_TEXTS = """
    StrPosition Pad Repeat Substring Reverse Left Right Upper Lower Length Replace SplitPart
    Translate Trim Initcap RegexpExtract RegexpReplace RegexpCount RegexpInstr
"""
_OF_TEXTS = frozenset(_TAKE_TEXTS.split())
_ON_REDSHIFT_ONLY = ("SUPER", "VARBINARY", "HLLSKETCH", "GEOMETRY", "GEOGRAPHY")
_LONGEST = {"CHAR": 4096, "NCHAR": 4096, "VARCHAR": 65535, "NVARCHAR": 65535}


def to_duckdb(node: exp.Expr) -> None:
    """Rewrite one node; its inner nodes must be rewritten before.

    :raises PlanError: DuckDB has nothing that gives the same values.
    """
    if type(node).__name__ in _OF_TEXTS:
        texts.text_of(node)
    for kind in type(node).__mro__:
        if rewrite := _REWRITES.get(kind.__name__):
            rewrite(node)
            return


def _remainder(node: exp.Mod) -> None:
    node.set("expression", not_zero(node.expression))


def _similar_to(node: exp.SimilarTo) -> None:
    from sqlglot import exp

    whole, regex = patterns.similar_to(node)
    pattern = exp.Literal.string(f"(?s){regex}")
    whole.replace(exp.Anonymous(this="REGEXP_FULL_MATCH", expressions=[node.this, pattern]))


def _cut_off(node: exp.Trunc) -> None:
    """Rewrite TRUNC of a moment or of a number."""
    from sqlglot import exp

    if node.is_type(exp.DType.DATE):
        node.replace(exp.cast(node.this, "DATE"))
    elif node.args.get("decimals"):
        cut_digits(node)


def _truncated(node: exp.TimestampTrunc) -> None:
    """Give DATE_TRUNC the type of a moment: up to DuckDB 1.4, the result would be a date."""
    from sqlglot import exp

    name_part(node)
    unit = node.args["unit"].name.upper()
    if unit in ("CENTURY", "MILLENNIUM"):
        message = f"a {unit.lower()} begins with another year on DuckDB"
        raise PlanError(message, "write DATE_TRUNC('year', ...)")
    if node.this.is_type(exp.DType.TIMESTAMPTZ):
        return
    if node.this.is_type(exp.DType.DATE):
        node.set("this", exp.cast(node.this, "TIMESTAMP"))
    node.replace(exp.cast(node.copy(), "TIMESTAMP"))


def _added(node: exp.TsOrDsAdd) -> None:
    from sqlglot import exp

    known_part(node)
    if node.this.is_type(exp.DType.TIMESTAMPTZ):
        node.set("return_type", exp.DataType.build("TIMESTAMPTZ"))


def _cast(node: exp.Cast) -> None:
    """Cut what is cast to a text or a decimal to the size of its type."""
    from sqlglot import exp

    sizes = node.to.expressions
    kind = node.to.this.name
    if kind in _ON_REDSHIFT_ONLY:
        _refuse_type(kind)
    if kind in _LONGEST and sizes and int(sizes[0].name) > _LONGEST[kind]:
        raise PlanError(f"Redshift's {kind} has up to {_LONGEST[kind]} bytes")
    if node.to.is_type(exp.DType.CHAR, exp.DType.NCHAR, exp.DType.BPCHAR):
        texts.cut(node, int(sizes[0].name) if sizes else 1, blanks=False)
    elif node.to.is_type(exp.DType.VARCHAR, exp.DType.NVARCHAR) and sizes:
        texts.cut(node, int(sizes[0].name))
    elif node.to.is_type(exp.DType.DECIMAL) and not sizes:
        node.set("to", exp.DataType.build("DECIMAL(18,0)"))


def _refuse_type(kind: str) -> None:
    name = "VARBYTE" if kind == "VARBINARY" else kind
    hint = "compute it in the source, or in a Python transform"
    raise PlanError(f"values of the type {name} are known to Redshift only", hint)


def _refuse_to_number(node: exp.ToNumber) -> None:
    instead = "CAST(REPLACE(..., ',', '') AS DECIMAL(18,2))"
    raise PlanError(f"TO_NUMBER is computed by Redshift only: write {instead}")


def _refuse_super(node: exp.Expr) -> None:
    message = "SUPER is known to Redshift only"
    raise PlanError(message, "write JSON_EXTRACT_PATH_TEXT(a, 'name') over a text")


def _function(node: exp.Anonymous) -> None:
    """Rewrite a function that sqlglot does not know."""
    from sqlglot import exp

    name, given = str(node.this).upper(), node.expressions
    if name == "ADD_MONTHS":
        node.replace(moments.add_months(given[0], given[1]))
    elif name == "DATE_PART_YEAR":
        node.replace(exp.Extract(this=exp.var("YEAR"), expression=given[0]))
    elif name in CALLED:
        node.set("this", CALLED[name])
    elif name in COMPARED:
        node.replace(compared(name, given))
    elif name in json_texts.NAMES:
        node.replace(json_texts.json_text(name, given))
    elif name == "FROM_HEX":
        _refuse_type("VARBYTE")
    elif name == "TIMEZONE":
        moments.known_zone(node)
    elif name == "OCTETINDEX":
        node.replace(texts.place_in_bytes(given[0], given[1]))
    elif name == "RATIO_TO_REPORT" and isinstance(node.parent, exp.Window):
        window = node.parent
        total_of_all = window.copy()
        total_of_all.set("this", exp.Sum(this=given[0].copy()))
        part = exp.cast(given[0].copy(), "DOUBLE")
        window.replace(exp.paren(exp.Div(this=part, expression=total_of_all)))


# What rewrites a node, by the name of its class, so that sqlglot is not imported here.
_REWRITES: dict[str, Callable[[Any], None]] = {
    "Div": divide,
    "Add": combine,
    "Sub": combine,
    "Mul": combine,
    "Mod": _remainder,
    "Avg": mean,
    "Sum": total,
    "Median": percentile,
    "WithinGroup": percentile,
    "GroupConcat": texts.list_texts,
    "Concat": lambda node: node.replace(texts.joined(node.expressions)),
    "Substring": texts.part_of_text,
    "Left": lambda node: texts.not_negative(node.expression, "LEFT"),
    "Right": lambda node: texts.not_negative(node.expression, "RIGHT"),
    "SplitPart": texts.part_between,
    "SHA2": texts.digest,
    "RegexpReplace": patterns.with_parameters,
    "RegexpExtract": patterns.with_parameters,
    "RegexpCount": patterns.with_parameters,
    "RegexpInstr": patterns.with_parameters,
    "RegexpLike": patterns.known_pattern,
    "SimilarTo": _similar_to,
    "Like": patterns.with_escape,
    "ILike": patterns.with_escape,
    "Trunc": _cut_off,
    "Extract": moments.part_of,
    "TimestampTrunc": _truncated,
    "TsOrDsAdd": _added,
    "TsOrDsDiff": known_part,
    "ConvertTimezone": moments.known_zone,
    "AtTimeZone": moments.known_zone,
    "LastDay": moments.date_of,
    "NextDay": moments.date_of,
    "MonthsBetween": lambda node: node.replace(moments.months_between(node.this, node.expression)),
    "Interval": moments.name_amounts,
    "TimeToStr": format_date,
    "StrToTime": format_date,
    "StrToDate": format_date,
    "Cast": _cast,
    "FromBase": lambda node: node.replace(number_in_base(node)),
    "ToNumber": _refuse_to_number,
    "ParseJSON": _refuse_super,
    "Array": _refuse_super,
    "StringToArray": _refuse_super,
    "Anonymous": _function,
}
