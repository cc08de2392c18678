"""Find values of a kind that Redshift refuses where they stand, and DuckDB takes.

Sources: Redshift's Database Developer Guide, "Type compatibility and conversion", "UNION,
INTERSECT, and EXCEPT", "MAX function", "AVG function", "MOD function".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.sql.blame import first_offset
from etl_framework.sql.comparisons import kind_of
from etl_framework.sql.scope import ScopeProblem
from etl_framework.sql.unions import parts

if TYPE_CHECKING:
    from sqlglot import exp

_NAMES = {"number": "a number", "whole": "a number", "moment": "a moment", "text": "a text"}


def misplaced(tree: exp.Expr) -> Iterator[ScopeProblem]:
    """Every condition that is none, and every value that an aggregate or a UNION does not take.

    :param tree: a query with types.
    """
    from sqlglot import exp

    for node in tree.walk():
        for condition in _conditions(node):
            if name := _NAMES.get(_kind(condition)):
                hint = "write a comparison, such as a <> 0 or a = 'yes'"
                yield _problem(condition, f"a condition is true or false, not {name}", hint)
        if isinstance(node, exp.Max | exp.Min) and _kind(node.this) == "boolean":
            name, instead = ("MAX", "BOOL_OR") if isinstance(node, exp.Max) else ("MIN", "BOOL_AND")
            yield _problem(node, f"Redshift's {name} takes no boolean", f"write {instead}(...)")
        elif isinstance(node, exp.Sum | exp.Avg) and _kind(node.this) == "moment":
            name = node.key.upper()
            hint = "write it over EXTRACT(EPOCH FROM ...)"
            yield _problem(node, f"Redshift's {name} takes no moment", hint)
        elif isinstance(node, exp.Mod) and any(map(_is_float, (node.left, node.right))):
            hint = "CAST it to an integer or a decimal"
            yield _problem(node, "Redshift computes no remainder of a float", hint)
        elif isinstance(node, exp.SetOperation) and not isinstance(node.parent, exp.SetOperation):
            yield from _unlike(node)


def _conditions(node: exp.Expr) -> list[exp.Expr]:
    """The values of a node that must be true or false."""
    from sqlglot import exp

    if isinstance(node, exp.Where | exp.Having | exp.Qualify | exp.Not):
        return [node.this]
    if isinstance(node, exp.And | exp.Or):
        return [node.left, node.right]
    if isinstance(node, exp.Join) and node.args.get("on"):
        return [node.args["on"]]
    if isinstance(node, exp.If) and not (isinstance(node.parent, exp.Case) and node.parent.this):
        return [node.this]
    return []


def _unlike(whole: exp.SetOperation) -> Iterator[ScopeProblem]:
    """Columns of a set operation of which some values are texts, and others are not."""
    for column in zip(*(part.selects for part in parts(whole)), strict=False):
        kinds = {
            "number" if kind == "whole" else kind: select
            for select in column
            if (kind := _kind(select.unalias()))
        }
        if len(kinds) > 1:
            first, other = list(kinds)[:2]
            message = f"{_NAMES.get(first, 'a boolean')} and {_NAMES.get(other, 'a boolean')}"
            hint = "CAST one side to the type of the other"
            yield _problem(kinds[other], f"{message} cannot be in one column of a UNION", hint)


def _is_float(node: exp.Expr) -> bool:
    from sqlglot import exp

    return bool(node.type and node.type.this in exp.DataType.FLOAT_TYPES)


def _kind(node: exp.Expr) -> str:
    """The kind of a value; empty for a literal text, which may be of any kind."""
    from sqlglot import exp

    if node.is_string or node.type is None:
        return ""
    return "text" if node.type.this in exp.DataType.TEXT_TYPES else kind_of(node.type)


def _problem(node: exp.Expr, message: str, hint: str) -> ScopeProblem:
    return ScopeProblem(first_offset(node), "E415", message, hint)
