"""Which columns of which tables each column of a query is made of."""

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
    """The tables and columns whose values go into each column of the result.

    What only joins, filters or groups is not among them. COUNT(*) is made of the column `*`.

    :param schema: the columns of each table, with their types.
    :param dialect: what the SQL is written in, as sqlglot calls it.
    """
    from sqlglot.lineage import lineage

    given = {name: dict(columns) for name, columns in schema.items()}
    found = lineage(None, sql, schema=given, dialect=dialect)
    assert isinstance(found, dict)
    return {column: tuple(sorted(_leaves(node, schema))) for column, node in found.items()}


def _leaves(node: Node, schema: Mapping[str, object]) -> set[Field]:
    """Those of a column, down to the tables."""
    from sqlglot import exp

    leaves: set[Field] = set()
    for each in node.walk():
        if isinstance(each.expression, exp.Table):
            leaves.add((each.expression.name, exp.to_column(each.name).name))
        elif isinstance(each.source, exp.Select) and _counts_rows(each.expression):
            start = each.source.args.get("from_")
            table = start.this.name if start else ""
            leaves |= {(name, EVERY_ROW) for name in ([table] if table in schema else schema)}
    return leaves


def _counts_rows(made: exp.Expr) -> bool:
    from sqlglot import exp

    return any(isinstance(count.this, exp.Star | None) for count in made.find_all(exp.Count))
