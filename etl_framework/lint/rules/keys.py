"""Unique keys: those that relations declare, and those that follow from queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from etl_framework.lint.base import Checked
from etl_framework.lint.sql_base import Query

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Keys = list[frozenset[str]]
MAX_DEPTH = 20


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


def keys_of_query(checked: Checked, tree: exp.Expr, depth: int = 0) -> Keys:
    """Return the unique keys of a query's result, as the query makes them or takes them over."""
    from sqlglot import exp

    if isinstance(tree, exp.Union) and tree.args.get("distinct"):
        return [frozenset(name.lower() for name in tree.named_selects)]
    if not isinstance(tree, exp.Select) or depth > MAX_DEPTH:
        return []
    columns = {select.alias_or_name.lower(): select.unalias() for select in tree.selects}
    numbered = [*_numbered(columns), *_first_of_each(tree, columns)]
    if tree.args.get("distinct"):
        return [frozenset(columns), *numbered]
    group = tree.args.get("group")
    if group:
        return [*_named(group.expressions, columns), *numbered]
    if one_row(tree):
        return [frozenset([name]) for name in columns]
    return [*_taken_over(checked, tree, columns, depth), *numbered]


def _named(expressions: Sequence[exp.Expr], columns: Mapping[str, exp.Expr]) -> Keys:
    """Return the names of the columns that hold some expressions; nothing if one has no column."""
    named = {name for name, made in columns.items() if made in expressions}
    whole = all(any(columns[name] == expression for name in named) for expression in expressions)
    return [frozenset(named)] if whole and named else []


def _numbered(columns: Mapping[str, exp.Expr]) -> Keys:
    """Return the keys that ROW_NUMBER makes: its column, with those of PARTITION BY."""
    from sqlglot import exp

    keys = []
    for name, made in columns.items():
        if isinstance(made, exp.Window) and isinstance(made.this, exp.RowNumber):
            parts = made.args.get("partition_by") or []
            keys += [
                found | {name} for found in (_named(parts, columns) if parts else [frozenset()])
            ]
    return keys


def _first_of_each(select: exp.Select, columns: Mapping[str, exp.Expr]) -> Keys:
    """Return the key of `QUALIFY ROW_NUMBER() OVER (PARTITION BY a ...) = 1`: `a`."""
    from sqlglot import exp

    keys = []
    for test in conjuncts(select.args.get("qualify")):
        window = test.this if isinstance(test, exp.EQ) and is_constant(test.expression) else None
        if isinstance(window, exp.Window) and isinstance(window.this, exp.RowNumber):
            keys += _named(window.args.get("partition_by") or [], columns)
    return keys


def _taken_over(
    checked: Checked, select: exp.Select, columns: Mapping[str, exp.Expr], depth: int
) -> Keys:
    """Return the keys of the only table of FROM whose columns are all in the result."""
    from sqlglot import exp

    if select.args.get("joins") or select.args.get("laterals"):
        return []
    source = select.args["from_"].this
    inner = _query_of(source)
    if inner is not None:
        keys = keys_of_query(checked, inner, depth + 1)
    else:
        keys = keys_of_relation(checked, source.name.lower())
    names = {
        made.name.lower(): name for name, made in columns.items() if isinstance(made, exp.Column)
    }
    constant = {
        test.this.name.lower()
        for test in conjuncts(select.args.get("where"))
        if isinstance(test, exp.EQ)
        and isinstance(test.this, exp.Column)
        and is_constant(test.expression)
    }
    left = [key - constant for key in keys]
    return [frozenset(names[column] for column in key) for key in left if key <= names.keys()]


def _query_of(source: exp.Expr) -> exp.Expr | None:
    """Return the query of a subquery or of a CTE in FROM; None for a relation."""
    from sqlglot import exp

    if isinstance(source, exp.Subquery):
        return source.unnest()
    around = source.parent
    while around is not None and isinstance(source, exp.Table):
        with_ = around.args.get("with_")
        for cte in with_.expressions if with_ else ():
            if cte.alias.lower() == source.name.lower():
                return cte.this  # type: ignore[no-any-return]
        around = around.parent
    return None


def conjuncts(clause: exp.Expr | None) -> list[exp.Expr]:
    """Return the conditions of a WHERE, ON, HAVING or QUALIFY that must all be true."""
    from sqlglot import exp

    condition = clause.this if isinstance(clause, exp.Where | exp.Having | exp.Qualify) else clause
    if condition is None:
        return []
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        return [test for side in condition.flatten() for test in conjuncts(side)]
    return [condition]


def is_constant(node: exp.Expr) -> bool:
    """Return whether an expression names no column, so that it has one value for all rows."""
    from sqlglot import exp

    return not node.find(exp.Column, exp.Query)


def one_row(select: exp.Select, depth: int = 0) -> bool:
    """Return whether a SELECT gives one row at the most.

    It has no FROM, or aggregates without GROUP BY, or reads only subqueries that give one row.
    """
    from sqlglot import exp

    source = select.args.get("from_")
    if not source:
        return True
    if select.args.get("group") or depth > MAX_DEPTH:
        return False
    made = any(
        expression.find(exp.AggFunc) and not expression.find(exp.Window)
        for expression in select.selects
    )
    joined = [join.this for join in select.args.get("joins") or []]
    inner = [_query_of(table) for table in (source.this, *joined)]
    return made or (
        not select.args.get("laterals")
        and all(isinstance(query, exp.Select) and one_row(query, depth + 1) for query in inner)
    )


def keys_of_source(checked: Checked, source: exp.Expr | Scope) -> Keys:
    """Return the unique keys of a source in FROM: a relation, a CTE or a subquery."""
    from sqlglot import exp

    if isinstance(source, exp.Table):
        return keys_of_relation(checked, source.name.lower())
    return keys_of_query(checked, source.expression)


def unique_keys(query: Query) -> Keys:
    """Return the keys of all sources of a query."""
    return [
        keys
        for scope in query.scopes
        for source in scope.sources.values()
        for keys in keys_of_source(query.checked, source)
    ]
