"""What a query reads, what it can see and what it gives, by name and place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl_framework.sql.dialect import transpile_condition

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope


@dataclass(frozen=True)
class Reference:
    """A table or column named in SQL, and the offset of its name there."""

    name: str
    offset: int


def scopes_of(tree: exp.Expr) -> list[Scope]:
    """Each SELECT of a query with what it can see, inner ones first."""
    from sqlglot.optimizer.scope import traverse_scope

    return traverse_scope(tree)


def result_names(tree: exp.Query, wrong: Collection[int] = ()) -> list[str]:
    """The names of the columns that a query gives; empty where one cannot be told.

    None at all of a query with a star.

    :param wrong: the offsets of columns that do not exist, whose names are none of the result's.
    """
    from sqlglot import exp

    if tree.is_star:
        return []
    return [
        "" if isinstance(each, exp.Column) and offset_of(each.this) in wrong else each.alias_or_name
        for each in tree.selects
    ]


def references(scopes: Sequence[Scope]) -> list[Reference]:
    """Every table that a query reads and does not define itself, once per place."""
    from sqlglot import exp

    return [
        Reference(table_name(source), offset_of(source.this))
        for scope in scopes
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
    ]


def repeated_name(tree: exp.Query) -> Reference | None:
    """The first name that two tables of one FROM have, at the second of them."""
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


def condition_columns(sql: str) -> list[Reference]:
    """The columns that a condition names, in lower case, each once.

    :raises PlanError: it does not parse.
    """
    import sqlglot
    from sqlglot import exp

    transpile_condition(sql, to="redshift")
    condition = sqlglot.parse_one(sql, read="redshift", into=exp.Condition)
    found: dict[str, Reference] = {}
    for column in condition.find_all(exp.Column):
        name = column.name.lower()
        found.setdefault(name, Reference(name, offset_of(column.this)))
    return list(found.values())


def table_name(table: exp.Table) -> str:
    """The name of a table, with its schema."""
    from sqlglot import exp

    if isinstance(table.this, exp.Func):
        return table.this.name or table.this.sql_name().lower().removeprefix("exploding_")
    return ".".join(part.name for part in table.parts).lower()


def offset_of(node: exp.Expression) -> int:
    """Where the name of a node stands, or its first."""
    from sqlglot import exp

    found = (
        node
        if isinstance(node, exp.Identifier)
        else next(iter(node.find_all(exp.Identifier)), node)
    )
    if isinstance(node, exp.Column) and node.args.get("table"):
        found = node.args["table"]
    return int(found.meta.get("start", 0))
