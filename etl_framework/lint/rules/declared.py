"""What relations declare about the columns that a query uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.lint.base import Checked
from etl_framework.lint.sql_base import Query, queries_of

if TYPE_CHECKING:
    from sqlglot import exp

    from etl_framework.columns import Column


def declared(query: Query, column: exp.Column) -> tuple[str, Column] | None:
    """Return the relation that a column comes from, and its declaration of the column.

    The column is followed through CTEs, subqueries and transforms that pass it on unchanged.
    """
    from sqlglot import exp

    for scope in query.scopes:
        if not any(column is scope_column for scope_column in scope.columns):
            continue
        source = scope.sources.get(column.table)
        if not isinstance(source, exp.Table):
            return _handed_on(query, column, source.expression) if source else None
        name = source.name.lower()
        block = query.checked.pipeline.relations().get(name)
        for known in block.staged if block else ():
            if known.name == column.name:
                return name, known
        made = next((other for other in queries_of(query.checked) if other.name == name), None)
        return _handed_on(made, column, made.tree) if made else None
    return None


def _handed_on(query: Query, column: exp.Column, made: exp.Expr) -> tuple[str, Column] | None:
    from sqlglot import exp

    for inner in made.selects if isinstance(made, exp.Select) else ():
        value = inner.unalias()
        if inner.alias_or_name == column.name and isinstance(value, exp.Column):
            return declared(query, value)
    return None


def may_be_null(query: Query, column: exp.Column) -> bool | None:
    """Return whether a column may be NULL; None if nothing declares the column."""
    declaration = declared(query, column)
    if declaration is None:
        return None
    name, known = declaration
    return not (known.required or known.primary_key or known.name in _checked(query.checked, name))


def _checked(checked: Checked, relation: str) -> set[str]:
    """Return the columns for which a check demands a value in every row."""
    checks = checked.pipeline.relations()[relation].checks
    kinds = ("not_null", "primary_key")
    return {
        column
        for check in checks
        if check.type_name in kinds and check.severity == "error" and not check.where
        for column in check.checked_columns()
    }
