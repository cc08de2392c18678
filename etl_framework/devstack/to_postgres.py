"""Rewrite what PostgreSQL does not know or does otherwise, for the stand-in for Redshift.

The rewritten SQL calls functions in the schema `redshift`, which `functions.sql` creates:
`DATEADD(day, 1, d)` becomes `redshift.dateadd('day', 1, d)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.names import COMPARED, compared
from etl_framework.sql.parser import AS_FLOAT
from etl_framework.sql.patterns import similar_to

if TYPE_CHECKING:
    from sqlglot import exp

# Functions of Redshift that PostgreSQL does not have, or has with another meaning.
OURS = {
    "ADD_MONTHS", "OCTET_LENGTH", "OCTETINDEX", "IS_VALID_JSON", "IS_VALID_JSON_ARRAY",
    "CAN_JSON_PARSE", "JSON_EXTRACT_ARRAY_ELEMENT_TEXT", "JSON_ARRAY_LENGTH",
}  # fmt: skip
# Kinds of nodes whose first argument is a text, for which Redshift takes numbers too.
_OF_TEXTS = ("StrPosition", "Pad", "Repeat", "Substring", "Reverse")


def to_postgres(node: exp.Expr) -> None:
    """Rewrite one node; its inner nodes must be rewritten before."""
    from sqlglot import exp

    if type(node).__name__ in _OF_TEXTS:
        node.set("this", exp.cast(node.this, "TEXT"))
    elif isinstance(node, exp.TsOrDsAdd):
        node.replace(_ours("dateadd", _unit(node), node.expression, node.this))
    elif isinstance(node, exp.TsOrDsDiff):
        node.replace(_ours("datediff", _unit(node), node.expression, node.this))
    elif isinstance(node, exp.TimestampTrunc):
        node.replace(_ours("date_trunc", _unit(node), node.this))
    elif isinstance(node, exp.Extract):
        unit = exp.Literal.string(node.name.lower())
        name = "date_part" if node.meta.get(AS_FLOAT) else "extract_part"
        node.replace(_ours(name, unit, node.expression))
    elif isinstance(node, exp.LastDay):
        node.replace(_ours("last_day", exp.cast(node.this, "TIMESTAMP")))
    elif isinstance(node, exp.MonthsBetween):
        sides = (exp.cast(side, "TIMESTAMP") for side in (node.this, node.expression))
        node.replace(_ours("months_between", *sides))
    elif isinstance(node, exp.NextDay):
        node.replace(_ours("next_day", exp.cast(node.this, "TIMESTAMP"), node.expression))
    elif isinstance(node, exp.ApproxDistinct):
        node.replace(exp.Count(this=exp.Distinct(expressions=[node.this])))
    elif isinstance(node, exp.GroupingId):
        node.replace(exp.Anonymous(this="GROUPING", expressions=node.expressions))
    elif isinstance(node, exp.ApproxQuantile):
        _percentile(node)
    elif isinstance(node, exp.SHA2):
        length = node.args.get("length") or exp.Literal.number(256)
        node.replace(_ours("sha2", node.this, length))
    elif isinstance(node, exp.FromBase):
        node.replace(_ours("strtol", node.this, node.expression))
    elif isinstance(node, exp.Trunc | exp.Round):
        digits = node.args.get("decimals")
        node.replace(_ours(node.key, node.this, *([digits] if digits else [])))
    elif isinstance(node, exp.Avg | exp.Sum):
        node.replace(_ours(node.key, node.this))
    elif isinstance(node, exp.GroupConcat):
        _list(node)
    elif isinstance(node, exp.Concat):
        joined = node.expressions[0]
        for part in node.expressions[1:]:
            joined = exp.DPipe(this=joined, expression=exp.cast(part, "TEXT"))
        node.replace(exp.paren(joined))
    elif isinstance(node, exp.RegexpReplace):
        given = [node.args.get(key) for key in ("replacement", "position", "modifiers")]
        node.replace(_ours("regexp_replace", node.this, node.expression, *filter(None, given)))
    elif isinstance(node, exp.RegexpExtract):
        given = [node.args.get(key) for key in ("position", "occurrence", "parameters")]
        node.replace(_ours("regexp_substr", node.this, node.expression, *filter(None, given)))
    elif isinstance(node, exp.SimilarTo):
        whole, regex = similar_to(node)
        pattern = exp.Literal.string(f"^({regex})$")
        whole.replace(exp.RegexpLike(this=node.this, expression=pattern))
    elif isinstance(node, exp.Cast) and node.to.is_type("DECIMAL") and not node.to.expressions:
        node.set("to", exp.DataType.build("DECIMAL(18,0)"))
    elif isinstance(node, exp.Cast) and node.to.is_type("VARCHAR") and node.to.expressions:
        size = node.to.expressions[0].this
        cut = _ours("cut", exp.cast(node.this, "TEXT"), size.copy())
        node.set("this", cut)
    elif isinstance(node, exp.LastValue | exp.FirstValue | exp.Lag | exp.Lead | exp.NthValue):
        _ignoring(node)
    elif isinstance(node, exp.Anonymous):
        _function(node)


def _ours(name: str, *arguments: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    call = exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])
    return exp.Dot(this=exp.to_identifier("redshift"), expression=call)


def _unit(node: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    unit = node.args["unit"]
    return exp.Literal.string(unit.name.lower() or str(unit.this).lower())


def _list(node: exp.GroupConcat) -> None:
    """Rewrite LISTAGG, with its order as part of the arguments and its values cast to texts.

    `LISTAGG(a, ',') WITHIN GROUP (ORDER BY b)` becomes
    `STRING_AGG(CAST(a AS TEXT), ',' ORDER BY b)`.
    """
    from sqlglot import exp

    within = node.parent or node
    distinct = isinstance(node.this, exp.Distinct)
    values = list(node.this.expressions) if distinct else [node.this]
    given = node.args.get("separator") or (values[1] if len(values) > 1 else None)
    separator = given or exp.Literal.string("")
    value, between = values[0].sql("postgres"), separator.sql("postgres")
    order = ""
    if isinstance(within, exp.WithinGroup):
        order = f" {within.expression.sql('postgres').strip()}"
    if distinct:  # PostgreSQL sorts DISTINCT values only by themselves, so they are cast afterwards
        listed = f"ARRAY_AGG(DISTINCT {value}{order}) FILTER (WHERE CAST({value} AS TEXT) <> '')"
        text = f"ARRAY_TO_STRING({listed}, {between})"
    else:
        listed = f"STRING_AGG(CAST({value} AS TEXT), {between}{order})"
        text = f"{listed} FILTER (WHERE CAST({value} AS TEXT) <> '')"
    (within if isinstance(within, exp.WithinGroup) else node).replace(exp.var(text))


def _percentile(node: exp.ApproxQuantile) -> None:
    """Rewrite APPROXIMATE PERCENTILE_DISC, which may give the exact value."""
    from sqlglot import exp

    order = exp.Order(expressions=[exp.Ordered(this=node.this.copy())])
    exact = exp.PercentileDisc(this=node.args["quantile"].copy())
    node.replace(exp.WithinGroup(this=exact, expression=order))


def _ignoring(node: exp.Expr) -> None:
    """Pass over empty values, which PostgreSQL's window functions cannot.

    `LAG(a IGNORE NULLS) OVER (ORDER BY b)` becomes `redshift.last_known(a) OVER (ORDER BY b ROWS
    BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)`.

    :raises PlanError: the stand-in cannot.
    """
    from sqlglot import exp

    ignoring = node.parent
    if not isinstance(ignoring, exp.IgnoreNulls):
        return
    offset = node.args.get("offset")
    near = isinstance(node, exp.Lag | exp.Lead) and (offset is None or offset.name == "1")
    if not near and not isinstance(node, exp.LastValue | exp.FirstValue):
        name = node.sql("redshift").partition("(")[0]
        raise PlanError(f"the stand-in of Redshift has no {name} with IGNORE NULLS")
    name = "last_known" if isinstance(node, exp.LastValue | exp.Lag) else "first_known"
    if near and isinstance(ignoring.parent, exp.Window):
        before, after = ("UNBOUNDED", "PRECEDING"), ("1", "PRECEDING")
        if isinstance(node, exp.Lead):
            before, after = ("1", "FOLLOWING"), ("UNBOUNDED", "FOLLOWING")
        frame = exp.WindowSpec(
            kind="ROWS", start=before[0], start_side=before[1], end=after[0], end_side=after[1]
        )
        ignoring.parent.set("spec", frame)
    ignoring.replace(_ours(name, node.this))


def _function(node: exp.Anonymous) -> None:
    """Rewrite a function that sqlglot does not know."""
    from sqlglot import exp

    name, given = str(node.this).upper(), node.expressions
    if name == "DATE_PART_YEAR":
        node.replace(_ours("extract_part", exp.Literal.string("year"), given[0]))
    elif name in COMPARED:
        node.replace(exp.paren(compared(name, given)))
    elif name == "JSON_EXTRACT_PATH_TEXT":
        named = given[1:-1] if isinstance(given[-1], exp.Boolean) else given[1:]
        null_if_invalid = given[-1] if isinstance(given[-1], exp.Boolean) else exp.false()
        node.replace(_ours("json_extract_path_text", given[0], null_if_invalid, *named))
    elif name == "REPLICATE":
        node.set("this", "REPEAT")
    elif name in OURS:
        node.replace(_ours(name.lower(), *given))
    elif name == "RATIO_TO_REPORT" and isinstance(node.parent, exp.Window):
        window = node.parent
        total = window.copy()
        total.set("this", exp.Sum(this=given[0].copy()))
        part = exp.cast(given[0].copy(), "DOUBLE")
        window.replace(exp.paren(exp.Div(this=part, expression=total)))
