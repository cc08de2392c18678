"""Find the columns of tables from which each column of a query is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node

Field = tuple[str, str]
EVERY_ROW = "*"


def column_inputs(
    sql: str, schema: Mapping[str, Mapping[str, str]], dialect: str
) -> dict[str, tuple[Field, ...]]:
    """The tables and columns whose values are used to compute each column of the result.

    Columns that are used only to join, filter or group are not included. COUNT(*) is computed from
    the column `*`.

    :param schema: the columns of every table, with their types.
    :param dialect: what the SQL is written in, as sqlglot calls it.
    """
    from sqlglot.lineage import lineage

    given = {name: dict(columns) for name, columns in schema.items()}
    nodes = lineage(None, sql, schema=given, dialect=dialect)
    assert isinstance(nodes, dict)
    return {column: tuple(sorted(_leaves(node, schema))) for column, node in nodes.items()}


def _leaves(node: Node, schema: Mapping[str, object]) -> set[Field]:
    """The columns of tables from which one column of the result is computed."""
    from sqlglot import exp

    leaves: set[Field] = set()
    for step in node.walk():
        if isinstance(step.expression, exp.Table):
            leaves.add((step.expression.name, exp.to_column(step.name).name))
        elif isinstance(step.source, exp.Select) and _counts_rows(step.expression):
            start = step.source.args.get("from_")
            table = start.this.name if start else ""
            leaves |= {(name, EVERY_ROW) for name in ([table] if table in schema else schema)}
    return leaves


def _counts_rows(made: exp.Expr) -> bool:
    from sqlglot import exp

    return any(isinstance(count.this, exp.Star | None) for count in made.find_all(exp.Count))
