"""Unique keys: those that relations declare, and those that follow from queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.lint.base import Checked
from etl_framework.lint.sql_base import Query

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Keys = list[frozenset[str]]


def keys_of_relation(checked: Checked, name: str) -> Keys:
    """Return the sets of columns whose values are unique in a relation, in lower case."""
    block = checked.pipeline.relations().get(name)
    if block is None:
        return []
    candidates = [frozenset(c.name.lower() for c in block.columns if c.primary_key)]
    for check in block.checks:
        if getattr(check, "type", "") in ("primary_key", "unique"):
            candidates.append(frozenset(column.lower() for column in check.checked_columns()))
    if name in checked.compilation.trees:
        candidates += keys_of_query(checked, checked.compilation.trees[name][1])
    return [keys for keys in candidates if keys]


def keys_of_query(checked: Checked, tree: exp.Expr) -> Keys:
    """Return the unique keys of a query's result, as its DISTINCT or GROUP BY makes them."""
    from sqlglot import exp

    if not isinstance(tree, exp.Select):
        return []
    columns = {select.alias_or_name.lower(): select.unalias() for select in tree.selects}
    if tree.args.get("distinct"):
        return [frozenset(columns)]
    group = tree.args.get("group")
    if group:
        grouped = group.expressions
        named = {name for name, made in columns.items() if made in grouped}
        whole = all(any(columns[name] == expression for name in named) for expression in grouped)
        return [frozenset(named)] if whole and named else []
    return [frozenset([name]) for name in columns] if one_row(tree) else []


def one_row(select: exp.Select) -> bool:
    """Return whether a SELECT gives one row: it has no FROM, or aggregates without GROUP BY."""
    from sqlglot import exp

    if not select.args.get("from_"):
        return True
    made = any(
        expression.find(exp.AggFunc) and not expression.find(exp.Window)
        for expression in select.selects
    )
    return made and not select.args.get("group")


def keys_of_source(checked: Checked, source: exp.Expr | Scope) -> Keys:
    """Return the unique keys of a source in FROM: a relation, a CTE or a subquery."""
    from sqlglot import exp

    if isinstance(source, exp.Table):
        return keys_of_relation(checked, source.name.lower())
    return keys_of_query(checked, source.expression)


def unique_columns(query: Query) -> set[str]:
    """Return the columns that are unique by themselves, in all sources of a query."""
    columns: set[str] = set()
    for scope in query.scopes:
        for source in scope.sources.values():
            for keys in keys_of_source(query.checked, source):
                columns |= keys if len(keys) == 1 else set()
    return columns
