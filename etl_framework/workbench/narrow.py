"""Conditions that narrow each relation to what rows of a KPI are made of, to look at it by hand.

They follow columns that a query only passes on, and the equalities of its joins:

    kpis_genre  "track_genre" = 'Pop'
    tracks      "genre" = 'Pop'
    plays       "track_id" IN (SELECT "track_id" FROM "tracks" WHERE "genre" = 'Pop')

A relation gets no condition, or a wider one, where a query computes what it groups by. Which rows
exactly are meant, `Provenance` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from etl_framework.sql.quote import quote
from etl_framework.workbench.provenance import Part

if TYPE_CHECKING:
    from sqlglot import exp

# By column what follows its name: `= 'Pop'`.
Conditions = dict[str, str]


def narrowed(parts: Iterable[Part], asked: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield relations with a query for their narrowed rows.

    :param parts: each before those that it is computed from.
    :param asked: what follows the names of columns of the first part.
    """
    from sqlglot import exp

    known: dict[str, Conditions] = {}
    for number, part in enumerate(parts):
        conditions = {name.lower(): then for name, then in asked.items()} if number == 0 else {}
        conditions = known.setdefault(part.table, conditions)
        if part.name and "." not in part.name and conditions:
            yield part.name, f"SELECT * FROM {quote(part.name)} WHERE {_where(conditions)}"
        if isinstance(part.query, exp.SetOperation):
            for _, read in part.inputs:
                _add(known, read, conditions)
        elif isinstance(part.query, exp.Select):
            of_inputs = _of_inputs(part, part.query, conditions)
            for alias, read in part.inputs:
                _add(known, read, of_inputs.get(alias, {}))


def _of_inputs(part: Part, query: exp.Select, conditions: Conditions) -> dict[str, Conditions]:
    """The conditions of what a query reads, by the names that it has for it."""
    from sqlglot import exp

    found: dict[str, Conditions] = {}
    for made in query.expressions:
        then, column = conditions.get(made.alias_or_name.lower()), _passed_on(part, made.unalias())
        if then and isinstance(column, exp.Column):
            found.setdefault(column.table, {})[column.name.lower()] = then
    relations = {alias: read for alias, read in part.inputs if read.name and "." not in read.name}
    direct = dict(found)
    for one, other in _equal(query):
        for here, there in ((one, other), (other, one)):
            if here.table not in relations or here.table not in direct or here.table == there.table:
                continue
            then = direct[here.table].get(here.name.lower())
            if then is None:
                table = quote(relations[here.table].name)
                where = _where(direct[here.table])
                then = f"IN (SELECT {quote(here.name)} FROM {table} WHERE {where})"
            found.setdefault(there.table, {}).setdefault(there.name.lower(), then)
    return found


def _passed_on(part: Part, made: exp.Expr) -> exp.Expr:
    """The column that a contract casts to the type which it has, and whose length it looks at."""
    from sqlglot import exp

    if isinstance(made, exp.Case) and isinstance(made.args.get("default"), exp.Cast):
        made = made.args["default"]
    if isinstance(made, exp.Cast) and isinstance(column := made.this, exp.Column):
        types = {alias: read.columns for alias, read in part.inputs}
        before = types.get(column.table, {}).get(column.name, "")
        if exp.DataType.build(before or "unknown", dialect="duckdb") == made.to:
            return column
    return made


def _equal(query: exp.Select) -> Iterator[tuple[exp.Column, exp.Column]]:
    """The pairs of columns that inner joins and the conditions of a query hold to be equal."""
    from sqlglot import exp

    joins = query.args.get("joins", [])
    if any(join.side for join in joins):  # a row may be there without its partner
        return
    conditions = [join.args["on"] for join in joins if join.args.get("on")]
    if where := query.args.get("where"):
        conditions.append(where.this)
    for condition in conditions:
        for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            same = part.unnest()
            if not isinstance(same, exp.EQ):
                continue
            left, right = same.left, same.right
            if isinstance(left, exp.Column) and isinstance(right, exp.Column):
                yield left, right


def _add(known: dict[str, Conditions], part: Part, conditions: Conditions) -> None:
    """What two queries read for different reasons has only the conditions that both have."""
    if part.table not in known:
        known[part.table] = dict(conditions)
        return
    both = known[part.table].items() & conditions.items()
    known[part.table] = dict(both)


def _where(conditions: Conditions) -> str:
    return " AND ".join(f"{quote(column)} {then}" for column, then in conditions.items())
