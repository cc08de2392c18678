"""Rules about what a query compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.lint.sql_base import Finding, Query, SqlRule
from etl_framework.sql.comparisons import comparisons

if TYPE_CHECKING:
    from sqlglot import exp

_TIME_OF_DAY = re.compile(r"\d{4}-\d\d-\d\d[ T](?!00:00(:00(\.0*)?)?)")


class ComparedWithNull(SqlRule):
    """A comparison with NULL is never true: IS NULL asks whether a value is missing."""

    codes = ("W416",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.find_all(*comparisons()):
            sides = [node.left.unnest(), node.right.unnest()]
            values = [side for side in sides if not isinstance(side, exp.Null)]
            if len(values) < len(sides):
                asked = "IS NOT NULL" if isinstance(node, exp.NEQ) else "IS NULL"
                hint = f"write {values[0].sql('redshift') if values else '...'} {asked}"[:100]
                yield Finding(node, "a comparison with NULL is never true", hint)
        for listed in query.find_all(exp.In):
            nulls = any(isinstance(value, exp.Null) for value in listed.expressions)
            if nulls and isinstance(listed.parent, exp.Not):
                hint = "take NULL out of the list"
                yield Finding(listed.this, "NOT IN with a NULL in its list is never true", hint)


class TextComparedWithNumber(SqlRule):
    """A text that is compared with a number ends the run at the first text that is none."""

    codes = ("W417",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.find_all(*comparisons()):
            sides = [node.left.unnest(), node.right.unnest()]
            texts = [side for side in sides if side.is_type(*exp.DataType.TEXT_TYPES)]
            numbers = [side for side in sides if side.is_type(*exp.DataType.NUMERIC_TYPES)]
            if texts and numbers and not isinstance(texts[0], exp.Literal):
                number = numbers[0].sql("redshift")
                written = isinstance(numbers[0], exp.Literal)
                hint = f"write '{number}'" if written else f"write CAST({number} AS VARCHAR)"
                message = "a text is compared with a number: a text that is none ends the run"
                yield Finding(node, message, hint[:100])


class DateComparedWithMoment(SqlRule):
    """A date is compared with dates: as a moment it is the midnight that the day begins with.

    Where intervals begin at another hour, `day >= {{ interval.start }}` leaves out the first day.
    """

    codes = ("W419",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for node in query.find_all(*comparisons()):
            sides = [node.left.unnest(), node.right.unnest()]
            dates = [side for side in sides if side.is_type(exp.DType.DATE)]
            moments = [m for side in sides for m in _moments(side)]
            if dates and moments and not isinstance(dates[0], exp.Literal):
                message = f"a date is compared with a time of day, {moments[0]}"
                hint = (
                    "write >= {{ interval.date }} for the first day of the interval, and "
                    "< CAST({{ interval.end }} AS DATE) for its end"
                )
                yield Finding(node, message, hint)


def _moments(side: exp.Expr) -> Iterator[str]:
    """The moment that a side of a comparison is, if it has a time of day."""
    from sqlglot import exp

    text = side.this if isinstance(side, exp.Cast) else side
    if isinstance(side, exp.Cast) and side.to.is_type(exp.DType.DATE):
        return
    if isinstance(text, exp.Literal) and text.is_string and _TIME_OF_DAY.match(text.name):
        yield text.name
