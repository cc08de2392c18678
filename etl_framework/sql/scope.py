"""Find columns and tables that a query names although they do not exist or are ambiguous."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl_framework.errors import did_you_mean
from etl_framework.sql.references import offset_of, table_name

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

# The columns of every table, by the name that a query uses for it; None: they are not known.
Visible = dict[str, set[str] | None]


@dataclass(frozen=True)
class ScopeProblem:
    """A name that is unknown or ambiguous, and its offset."""

    offset: int
    code: str
    message: str
    hint: str = ""


def column_problems(
    scopes: Sequence[Scope], relations: Mapping[str, Sequence[str] | None]
) -> Iterator[ScopeProblem]:
    """Find every column that does not exist, or that two tables have.

    :param relations: the columns of every relation; None where they are not known.
    """
    seen: set[int] = set()
    for scope in scopes:
        visible = _visible(scope, relations)
        yield from _join_problems(scope, visible)
        for column in [*scope.columns, *_stars(scope), *_aliases_in_having(scope)]:
            # Inner queries come first; outer ones list the same columns again.
            if id(column) not in seen:
                seen.add(id(column))
                yield from _problem(column, scope, visible)


def _stars(scope: Scope) -> list[exp.Column]:
    """Every `t.*` in the SELECT list."""
    from sqlglot import exp

    return [star for star in scope.stars if isinstance(star, exp.Column) and star.table]


def _aliases_in_having(scope: Scope) -> list[exp.Column]:
    """The names in HAVING that sqlglot takes for aliases and leaves out of a scope's columns."""
    from sqlglot import exp

    having = scope.expression.args.get("having")
    columns = having.find_all(exp.Column) if having else ()
    return [column for column in columns if column.parent_select is scope.expression]


def _join_problems(scope: Scope, visible: Visible) -> Iterator[ScopeProblem]:
    """Find columns in USING that no table on one side of the join has."""
    joins = scope.expression.args.get("joins") or []
    joined = [join.alias_or_name.lower() for join in joins]
    left = [name for name in _local(scope) if name not in joined]
    for join, name in zip(joins, joined, strict=True):
        for key in join.args.get("using") or []:
            for side in (left, [name]):
                column_sets = [visible.get(table) for table in side]
                known = set().union(*(columns or () for columns in column_sets))
                if None not in column_sets and key.name.lower() not in known:
                    message = f"unknown column '{key.name}' in '{', '.join(sorted(side))}'"
                    hint = did_you_mean(key.name, known)
                    yield ScopeProblem(offset_of(key), "E413", message, hint)
                    break
        left.append(name)


def _problem(column: exp.Column, scope: Scope, visible: Visible) -> Iterator[ScopeProblem]:
    name, table = column.name.lower(), column.table.lower()
    star = column.is_star
    if table:
        if table not in visible:
            hint = did_you_mean(table, visible)
            yield ScopeProblem(offset_of(column), "E412", f"unknown table '{column.table}'", hint)
        elif not star and (columns := visible[table]) is not None and name not in columns:
            message = f"unknown column '{column.name}' in '{column.table}'"
            yield ScopeProblem(offset_of(column.this), "E413", message, did_you_mean(name, columns))
        return
    if any(columns is None for columns in visible.values()):
        return
    if _is_alias(column, scope):
        if part := _before_aliases(column, name, visible):
            message = f"{part} cannot use the alias '{column.name}'"
            yield ScopeProblem(offset_of(column.this), "E413", message, "repeat what it stands for")
        return
    known = {key: columns for key, columns in visible.items() if columns}
    local = [key for key in known if key in _local(scope) and name in known[key]]
    if len(local) > 1 and not _joined_using(scope, name):
        message = f"column '{column.name}' is in more than one table: {', '.join(local)}"
        hint = f"write {local[0]}.{column.name}"
        yield ScopeProblem(offset_of(column.this), "E414", message, hint)
    if not any(name in columns for columns in known.values()):
        hint = did_you_mean(
            name, [candidate for columns in known.values() for candidate in columns]
        )
        yield ScopeProblem(offset_of(column.this), "E413", f"unknown column '{column.name}'", hint)


def _visible(scope: Scope, relations: Mapping[str, Sequence[str] | None]) -> Visible:
    """The tables that a query may name, those of outer queries included."""
    visible: Visible = {}
    inner: Any = scope
    while inner is not None:
        for name, (node, source) in inner.selected_sources.items():
            pivots = node.args.get("pivots") or []
            columns = None if pivots else _columns(source, relations)
            for known_as in {name, *(pivot.alias for pivot in pivots)}:
                visible.setdefault(known_as.lower(), columns)
        inner = inner.parent if _sees_around(inner) else None
    return visible


def _sees_around(scope: Scope) -> bool:
    """Whether a query may name the tables of the query around it; so may each part of a UNION."""
    from sqlglot import exp

    part = scope.parent is not None and isinstance(scope.parent.expression, exp.SetOperation)
    return bool(scope.is_subquery or scope.is_udtf or part)


def _local(scope: Scope) -> set[str]:
    return {name.lower() for name in scope.selected_sources}


def _columns(source: Any, relations: Mapping[str, Sequence[str] | None]) -> set[str] | None:
    """The columns of a table or of an inner query; None if they are not known."""
    from sqlglot import exp

    if isinstance(source, exp.Table):
        columns = relations.get(table_name(source))
        return None if columns is None else {column.lower() for column in columns}
    query = source.expression
    if not isinstance(query, exp.Query):
        return None
    selects, renamed = query.named_selects, _renamed(query)
    if "*" not in selects:
        return {name.lower() for name in [*renamed, *selects[len(renamed) :]]}
    if isinstance(query, exp.SetOperation):
        # Before sqlglot 30.20 or so, they are called otherwise.
        scopes = getattr(source, "set_operation_scopes", None) or source.union_scopes
        first = _columns(scopes[0], relations)
        return first if first is None or not renamed else {name.lower() for name in renamed}
    inner = [
        None if node.args.get("pivots") else _columns(inner_source, relations)
        for node, inner_source in source.selected_sources.values()
    ]
    if any(columns is None for columns in inner):
        return None
    named = {name.lower() for name in [*renamed, *selects] if name != "*"}
    return named.union(*(columns or set() for columns in inner))


def _renamed(query: exp.Query) -> list[str]:
    """The names that `AS q (a, b)` around a query gives its columns."""
    from sqlglot import exp

    named = query.find_ancestor(exp.CTE, exp.Subquery)
    return list(named.alias_column_names) if named else []


def _is_alias(column: exp.Column, scope: Scope) -> bool:
    """Whether a name is an alias from the SELECT list, which Redshift lets a query use again."""
    from sqlglot import exp

    if isinstance(scope.expression, exp.SetOperation):
        names = scope.expression.named_selects
        return "*" in names or column.name.lower() in map(str.lower, names)
    inside = column.find_ancestor(exp.Alias)
    return any(
        isinstance(select, exp.Alias)
        and select is not inside
        and select.alias.lower() == column.name.lower()
        for select in getattr(scope.expression, "selects", [])
    )


def _before_aliases(column: exp.Column, name: str, visible: Visible) -> str:
    """The part of a query around a name that Redshift computes before the SELECT list.

    Empty if there is none, or if a table has a column of that name.
    """
    from sqlglot import exp

    if any(name in (columns or ()) for columns in visible.values()):
        return ""
    around = column.find_ancestor(exp.Where, exp.Having, exp.Join, exp.Query)
    return around.key.upper() if isinstance(around, exp.Where | exp.Having | exp.Join) else ""


def _joined_using(scope: Scope, name: str) -> bool:
    joins = scope.expression.args.get("joins") or []
    if any(join.method == "NATURAL" for join in joins):
        return True
    return any(name == key.name.lower() for join in joins for key in join.args.get("using") or [])
