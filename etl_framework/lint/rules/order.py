"""Rules about the order of rows, and about the current time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from etl_framework.interval import NONE
from etl_framework.lint.rules.keys import is_constant, keys_of_query, one_row, unique_keys
from etl_framework.lint.sql_base import Finding, Query, SqlRule

if TYPE_CHECKING:
    from sqlglot import exp

_NOW = {"NOW", "GETDATE", "SYSDATE", "TIMEOFDAY", "LOCALTIMESTAMP", "LOCALTIME"}


class TiesUnbroken(SqlRule):
    """A choice of the first rows says which comes first of two that are alike.

    Else the result differs from run to run, and a rerun changes what was published.
    """

    codes = ("W402",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for window in query.find_all(exp.Window):
            if isinstance(
                window.this, exp.RowNumber | exp.FirstValue | exp.LastValue | exp.Lag | exp.Lead
            ):
                order = window.args.get("order")
                wanted = [window.this.this] if window.this.this else []
                fixed = window.args.get("partition_by") or []
                yield from self._order(query, window, order, wanted, fixed)
        for select in query.find_all(exp.Select):
            if select.args.get("limit") and not one_row(select) and not _told_apart(query, select):
                named = {column.alias.lower(): column.unalias() for column in select.selects}
                order, values = select.args.get("order"), list(named.values())
                yield from self._order(query, select.args["limit"], order, values, named=named)

    def _order(
        self,
        query: Query,
        node: exp.Expr,
        order: exp.Expr | None,
        wanted: Sequence[exp.Expr],
        fixed: Sequence[exp.Expr] = (),
        named: Mapping[str, exp.Expr] = MappingProxyType({}),
    ) -> Iterator[Finding]:
        """Find an order that leaves ties.

        :param wanted: the values that are taken of the first rows.
        :param fixed: what is the same for all rows among which the first is sought.
        :param named: the value of each name that the order may use for it.
        """
        written = [ordered.this for ordered in order.expressions] if order else []
        keys = [_meant(key, named) for key in written]
        if not keys:
            hint = "add ORDER BY with a key that is different in each row"
            yield Finding(node, "without ORDER BY any rows may come first", hint)
            return
        values = [expression.unnest() for expression in wanted]
        if values and all(value in keys for value in values):
            return  # rows that tie give the same values
        telling = [key for key in keys if key not in fixed and not is_constant(key)]
        names = {key.name.lower() for key in (*telling, *fixed)}
        if len(telling) <= 1 and not any(key <= names for key in unique_keys(query)):
            hint = "add a key that is different in each row, such as an id"
            at = written[0] if _has_place(written[0]) else keys[0]
            yield Finding(at, "nothing says which of two rows comes first that tie", hint)


def _meant(key: exp.Expr, named: Mapping[str, exp.Expr]) -> exp.Expr:
    """Return the value that a key of ORDER BY names; else the key."""
    value = key if key.args.get("table") else named.get(key.name.lower(), key)
    return value.unnest()


def _has_place(node: exp.Expr) -> bool:
    """Return whether a part of a node was written; ORDER BY 1 has become another one."""
    return any("start" in part.meta for part in node.walk())


def _told_apart(query: Query, select: exp.Select) -> bool:
    """Return whether no two rows of a SELECT have the same values in its ORDER BY."""
    order = select.args.get("order")
    keys = [ordered.this for ordered in order.expressions] if order else []
    names = {
        column.alias_or_name.lower()
        for column in select.selects
        for key in keys
        if column.unalias() == key or (not key.args.get("table") and key.name == column.alias)
    }
    return any(key <= names for key in keys_of_query(query.checked, select))


class Now(SqlRule):
    """A pipeline of intervals asks `interval.end`, not the clock.

    With the clock a backfill or a rerun gives other rows than the run it stands for.
    """

    codes = ("W405",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        if query.checked.pipeline.schedule == NONE:
            return
        kinds = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime)
        for node in query.find_all(exp.Anonymous, *kinds):
            if isinstance(node, kinds) or node.name.upper() in _NOW:
                hint = "write {{ interval.end }} or {{ interval.date }}"
                yield Finding(node, "the clock is not the data interval", hint)
