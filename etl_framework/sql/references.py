"""Find the tables that a query reads, the columns it names and those of its result."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope


@dataclass(frozen=True)
class Reference:
    """A table or column that SQL names, and the offset of the name."""

    name: str
    offset: int


def scopes_of(tree: exp.Expr) -> list[Scope]:
    """The scope of each SELECT of a query, inner ones first."""
    from sqlglot.optimizer.scope import traverse_scope

    return traverse_scope(tree)


def result_names(tree: exp.Query, wrong: Collection[int] = ()) -> list[str]:
    """The names of a query's columns; an empty text for a column without a name.

    A query with a star gives an empty list.

    :param wrong: the offsets of columns that do not exist, which count as columns without a name.
    """
    from sqlglot import exp

    if tree.is_star:
        return []
    return [
        ""
        if isinstance(select, exp.Column) and offset_of(select.this) in wrong
        else select.alias_or_name
        for select in tree.selects
    ]


def references(scopes: Sequence[Scope]) -> list[Reference]:
    """Every table that a query reads and does not define itself, once for every place."""
    from sqlglot import exp

    return [
        Reference(table_name(source), offset_of(source.this))
        for scope in scopes
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
        # A CTE with a PIVOT behind it stays a table for sqlglot.
        and not (source.args.get("pivots") and source.name in scope.cte_sources)
    ]


def repeated_name(tree: exp.Query) -> Reference | None:
    """The first name that occurs twice in one FROM, with the offset of its second occurrence."""
    from sqlglot import exp

    for select in tree.find_all(exp.Select):
        first = select.args.get("from_")
        joined = [join.this for join in select.args.get("joins") or []]
        seen: set[str] = set()
        for source in [*([first.this] if first else []), *joined]:
            name = source.alias_or_name.lower()
            if name and name in seen:
                alias = source.args.get("alias")
                return Reference(name, offset_of(alias or source.this))
            seen.add(name)
    return None


def table_name(table: exp.Table) -> str:
    """The name of a table, with its schema."""
    from sqlglot import exp

    if isinstance(table.this, exp.Func):
        return table.this.name or table.this.sql_name().lower().removeprefix("exploding_")
    return ".".join(part.name for part in table.parts).lower()


def offset_of(node: exp.Expression) -> int:
    """The offset of a node's name, or of the first name in the node."""
    from sqlglot import exp

    name_node = (
        node
        if isinstance(node, exp.Identifier)
        else next(iter(node.find_all(exp.Identifier)), node)
    )
    if isinstance(node, exp.Column) and node.args.get("table"):
        name_node = node.args["table"]
    return int(name_node.meta.get("start", 0))
