"""Rules about the result of a query: its columns, and the days of timestamps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.lint.sql_base import Finding, Query, SqlRule, selects_of

if TYPE_CHECKING:
    pass

# Units of a difference that is the same in every time zone.
SHORT = ("HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "EPOCH")


class StarIntoTarget(SqlRule):
    """A KPI names its columns: with `SELECT *` a new column of a source changes the target."""

    codes = ("W401",)

    def find(self, query: Query) -> Iterator[Finding]:
        if query.checked.pipeline_file.relations[query.name].kind != "kpi":
            return
        from etl_framework.sql.dialect import parse

        rendered, _ = query.checked.compilation.trees[query.name]
        if not re.search(r"(?<!\()\*", rendered.sql):  # COUNT(*) alone is no reason to parse again
            return
        written = parse(rendered.sql)
        names = [select.alias_or_name for select in selects_of(query.tree)]
        for select in written.selects:
            if select.is_star:
                hint = f"write the columns: {', '.join(names)}"[:100]
                yield Finding(select, "a KPI's columns are those of 'SELECT *'", hint)


class MomentWithoutZone(SqlRule):
    """A day or an hour of a `timestamptz` is asked for in a time zone that is named.

    Else it is that of the session, which differs between the engines and from user to user.
    """

    codes = ("W408",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        parts = (exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.TsOrDsToDate, exp.TimeToStr)
        for node in query.find_all(exp.Cast, exp.TsOrDsDiff, exp.DateDiff, *parts):
            unit = str(node.args.get("unit") or "").upper()
            if isinstance(node, exp.TsOrDsDiff | exp.DateDiff) and unit in SHORT:
                continue
            if isinstance(node, exp.Cast) and not node.is_type(exp.DType.DATE, exp.DType.TIMESTAMP):
                continue
            inner = node.expression if isinstance(node, exp.Extract) else node.this
            if inner and inner.is_type(exp.DType.TIMESTAMPTZ):
                hint = "write ... AT TIME ZONE 'Europe/Berlin' around the moment first"
                message = "which day or hour this is depends on the session's time zone"
                yield Finding(node, message, hint)
