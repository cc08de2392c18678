"""Refuse SQL that other engines run and Redshift does not, or runs with another meaning.

Sources: Redshift's Database Developer Guide, "Window function syntax summary" (frames), "LISTAGG
function" and "MEDIAN function" (one order, and a table), "Correlated subqueries".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.blame import UntranslatableError, first_offset
from etl_framework.sql.subqueries import refused_subqueries

if TYPE_CHECKING:
    from sqlglot import exp


def refuse_what_redshift_refuses(tree: exp.Expr) -> None:
    """Refuse SQL that other engines run and Redshift does not, or runs with another meaning.

    :raises PlanError: the query has such SQL. The message says what to write instead; the cause of
        the error has the place.
    """
    for node, message in refused_by_redshift(tree):
        raise PlanError(message) from UntranslatableError(first_offset(node), message)


def refused_by_redshift(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    """Every such part of a query, with a message that says what to write instead."""
    from sqlglot import exp

    selects, sorting = [], list[exp.Expr]()
    for node in tree.walk():
        if isinstance(node, exp.Select):
            selects.append(node)
            yield from _not_listed(node)
        elif isinstance(node, exp.Median | exp.WithinGroup | exp.GroupConcat):
            sorting.append(node)
        elif isinstance(node, exp.Window):
            if message := _refused_window(node):
                yield node, message
        elif isinstance(node, exp.TsOrDsDiff) and _is_of_weeks(node):
            message = "DATEDIFF of weeks depends on the day that a week begins on: write "
            yield node, message + "DATEDIFF(day, DATE_TRUNC('week', a), DATE_TRUNC('week', b)) / 7"
    if len(selects) > 1:
        yield from refused_subqueries(tree)
    if sorting:
        yield from _ordered_otherwise(sorting, has_table=tree.find(exp.Table) is not None)


def _is_of_weeks(node: exp.TsOrDsDiff) -> bool:
    return str(node.args.get("unit")).upper().startswith("WEEK")


def _not_listed(select: exp.Select) -> Iterator[tuple[exp.Expr, str]]:
    """Every value by which a SELECT DISTINCT is sorted, and which it does not give."""
    order = select.args.get("order")
    if not (order and select.args.get("distinct")):
        return
    values = [item.unalias() for item in select.selects]
    given = {part.sql() for value in values for part in (value, value.unnest())}
    given |= {item.output_name for item in select.selects}
    for key in order.expressions:
        if not (key.this.sql() in given or key.this.is_number):
            yield key, "Redshift sorts SELECT DISTINCT by what it gives: add it to the list"


def _ordered_otherwise(
    sorting: Sequence[exp.Expr], *, has_table: bool
) -> Iterator[tuple[exp.Expr, str]]:
    """Every aggregate that sorts, and that Redshift does not compute in its SELECT.

    LISTAGG, MEDIAN and PERCENTILE_CONT of one SELECT must sort alike, and they need a table.
    """
    from sqlglot import exp

    orders: dict[int, str] = {}
    for node in sorting:
        if node.find_ancestor(exp.Window):
            continue
        if not has_table:
            yield node, f"Redshift computes {_name(node)} over a table only: name one in FROM"
        if (order := _order(node)) and orders.setdefault(id(node.parent_select), order) != order:
            message = "Redshift wants one order for all LISTAGG, MEDIAN and PERCENTILE_CONT of a "
            yield node, message + "SELECT: write one of them in a subquery"


def _order(node: exp.Expr) -> str:
    """By what an aggregate sorts: `ORDER BY a`; empty if it does not matter."""
    from sqlglot import exp

    if isinstance(node, exp.Median):
        return f"ORDER BY {node.this.sql('redshift')}"
    if isinstance(node, exp.WithinGroup) and isinstance(
        node.this, exp.PercentileCont | exp.GroupConcat
    ):
        keys = [
            key.this.sql("redshift") + " DESC" * bool(key.args.get("desc"))
            for key in node.expression.expressions
        ]
        return f"ORDER BY {', '.join(keys)}"
    return ""


def _name(node: exp.Expr) -> str:
    return node.sql("redshift").partition("(")[0]


def _refused_window(window: exp.Window) -> str:
    """Why Redshift would not run a window; empty if it would."""
    from sqlglot import exp

    frame, inner = window.args.get("spec"), window.this
    if frame and frame.args.get("exclude"):
        return "Redshift knows no EXCLUDE in a window: write a frame of other rows"
    while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup | exp.Filter):
        inner = inner.this
    places = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.PercentRank, exp.CumeDist)
    if isinstance(inner, (*places, exp.Lag, exp.Lead, exp.Anonymous, exp.GroupConcat)):
        return ""
    if frame and str(frame.args.get("kind")).upper() != "ROWS":
        return "Redshift knows no RANGE in a window: write ROWS BETWEEN ..."
    if window.args.get("order") and not frame:
        name = inner.sql("redshift").partition("(")[0]
        message = f"Redshift wants a frame behind ORDER BY in the window of {name}: write "
        return message + "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW, or what is meant"
    return ""
