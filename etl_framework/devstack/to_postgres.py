"""Rewrite what PostgreSQL does not know or does otherwise, for the stand-in for Redshift.

The rewritten SQL calls functions in the schema `redshift`, which `functions.sql` creates:
`DATEADD(day, 1, d)` becomes `redshift.dateadd('day', 1, d)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.sql.patterns import similar_to

if TYPE_CHECKING:
    from sqlglot import exp

# Functions of Redshift that PostgreSQL does not have, or has with another meaning.
OURS = {
    "ADD_MONTHS",
    "OCTET_LENGTH",
    "IS_VALID_JSON",
    "JSON_EXTRACT_ARRAY_ELEMENT_TEXT",
    "JSON_ARRAY_LENGTH",
}


def to_postgres(node: exp.Expr) -> None:
    """Rewrite one node; its inner nodes must be rewritten before."""
    from sqlglot import exp

    if isinstance(node, exp.TsOrDsAdd):
        node.replace(_ours("dateadd", _unit(node), node.expression, node.this))
    elif isinstance(node, exp.TsOrDsDiff):
        node.replace(_ours("datediff", _unit(node), node.expression, node.this))
    elif isinstance(node, exp.TimestampTrunc):
        node.replace(_ours("date_trunc", _unit(node), node.this))
    elif isinstance(node, exp.Extract):
        unit = exp.Literal.string(node.name.lower())
        node.replace(_ours("date_part", unit, node.expression))
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
        node.set("modifiers", exp.Literal.string("g"))
        node.set("single_replace", False)
    elif isinstance(node, exp.RegexpExtract):
        node.replace(_ours("regexp_substr", node.this, node.expression))
    elif isinstance(node, exp.JSONExtractScalar):
        path = [exp.Literal.string(str(part.this)) for part in node.expression.expressions[1:]]
        node.replace(_ours("json_extract_path_text", node.this, *path))
    elif isinstance(node, exp.SimilarTo):
        whole, regex = similar_to(node)
        pattern = exp.Literal.string(f"^({regex})$")
        whole.replace(exp.RegexpLike(this=node.this, expression=pattern))
    elif isinstance(node, exp.Cast) and node.to.is_type("VARCHAR") and node.to.expressions:
        size = node.to.expressions[0].this
        cut = _ours("cut", exp.cast(node.this, "TEXT"), size.copy())
        node.set("this", cut)
    elif isinstance(node, exp.LastValue | exp.FirstValue | exp.Lag | exp.Lead):
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
        listed = f"ARRAY_AGG(DISTINCT {value}{order}) FILTER (WHERE NOT {value} IS NULL)"
        text = f"ARRAY_TO_STRING({listed}, {between})"
    else:
        text = f"STRING_AGG(CAST({value} AS TEXT), {between}{order})"
    (within if isinstance(within, exp.WithinGroup) else node).replace(exp.var(text))


def _ignoring(node: exp.Expr) -> None:
    from sqlglot import exp

    ignoring = node.parent
    if isinstance(ignoring, exp.IgnoreNulls) and isinstance(node, exp.LastValue | exp.FirstValue):
        name = "last_known" if isinstance(node, exp.LastValue) else "first_known"
        ignoring.replace(_ours(name, node.this))


def _function(node: exp.Anonymous) -> None:
    """Rewrite a function that sqlglot does not know."""
    from sqlglot import exp

    name, given = str(node.this).upper(), node.expressions
    if name == "DATE_PART_YEAR":
        node.replace(_ours("date_part", exp.Literal.string("year"), given[0]))
    elif name in OURS:
        node.replace(_ours(name.lower(), *given))
    elif name == "RATIO_TO_REPORT" and isinstance(node.parent, exp.Window):
        window = node.parent
        total = window.copy()
        total.set("this", exp.Sum(this=given[0].copy()))
        part = exp.cast(given[0].copy(), "DOUBLE")
        window.replace(exp.paren(exp.Div(this=part, expression=total)))
