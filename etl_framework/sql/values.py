"""Find the columns whose single values a query shows, unchanged or made into others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from etl_framework.sql.lineage import Field

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node


def shown_values(
    tree: exp.Expr, schema: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[Field, bool]]:
    """Return for each column of the result the columns whose single values are in it.

    A count, a sum or an average is of many rows and shows no single value, and neither does the
    question whether there is one. The smallest, the largest and the only value are shown.

    :param tree: a query in Redshift's dialect.
    :param schema: the columns of every table, with their types.
    :returns: for each column of a table whether its values are unchanged.
    """
    from sqlglot.lineage import lineage

    plain = tree.copy().transform(_without_aggregate)
    given = {name: dict(columns) for name, columns in schema.items()}
    nodes = lineage(None, cast("exp.Expression", plain), schema=given, dialect="redshift")
    assert isinstance(nodes, dict)
    shown: dict[str, dict[Field, bool]] = {}
    for column, node in nodes.items():
        fields = shown.setdefault(column, {})
        for field, unchanged in _leaves(node, True):
            fields[field] = fields.get(field, False) or unchanged
    return shown


def _without_aggregate(node: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    many = (
        exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.ApproxDistinct, exp.Stddev, exp.StddevPop,
        exp.StddevSamp, exp.Variance, exp.VariancePop,
    )  # fmt: skip
    inner = node.this if isinstance(node, exp.Window) else node
    asked = isinstance(node, exp.Is) and isinstance(node.expression, exp.Null)
    return exp.null() if isinstance(inner, many) or asked else node


def _leaves(node: Node, unchanged: bool) -> Iterator[tuple[Field, bool]]:
    from sqlglot import exp

    made = node.expression
    if isinstance(made, exp.Table):
        yield (made.name, exp.to_column(node.name).name), unchanged
        return
    passed_on = isinstance(made.unalias(), exp.Column | exp.Query)
    for deeper in node.downstream:
        yield from _leaves(deeper, unchanged and passed_on)
