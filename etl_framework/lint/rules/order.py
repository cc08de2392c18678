"""Rules about the order of rows, and about the current time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from etl_framework.interval import NONE
from etl_framework.lint.rules.keys import one_row, unique_columns
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
                yield from self._order(query, window, order, wanted)
        for select in query.find_all(exp.Select):
            if select.args.get("limit") and not one_row(select):
                yield from self._order(
                    query, select.args["limit"], select.args.get("order"), select.selects
                )

    def _order(
        self, query: Query, node: exp.Expr, order: exp.Expr | None, wanted: Sequence[exp.Expr]
    ) -> Iterator[Finding]:
        keys = [ordered.this for ordered in order.expressions] if order else []
        if not keys:
            hint = "add ORDER BY with a key that is different in each row"
            yield Finding(node, "without ORDER BY any rows may come first", hint)
            return
        values = [expression.unalias() for expression in wanted]
        if values and all(value in keys for value in values):
            return  # rows that tie give the same values
        if len(keys) == 1 and keys[0].name not in unique_columns(query):
            hint = "add a key that is different in each row, such as an id"
            yield Finding(keys[0], "nothing says which of two rows comes first that tie", hint)


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
