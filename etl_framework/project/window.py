"""The data intervals that a query reads of another KPI, beside that of the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from etl_framework.interval import DataInterval, Span
from etl_framework.model import Written

# What SQL calls the KPI's own table, as earlier runs left it.
THIS = "this"
ALL = "all"
LONG_AGO = datetime(1900, 1, 1)
LONGEST = 3660 * 86400


@dataclass(frozen=True)
class Window(Written):
    """A span of time that ends with the run's data interval, or all data intervals.

    :param span: its length; None for all data intervals, earlier and later ones.
    """

    examples: ClassVar[list[str]] = ["7d", ALL]
    form: ClassVar[dict[str, Any]] = {"type": "string", "pattern": r"^(\d+\s*[smhdw]|all)$"}

    span: Span | None

    @classmethod
    def parse(cls, written: object) -> Window:
        """Read a window as written.

        :raises ValueError: the text is neither a span of time nor `all`.
        """
        if isinstance(written, Window):
            return written
        if isinstance(written, str) and written.strip() == ALL:
            return cls(None)
        try:
            span = Span.parse(written)
        except ValueError:
            shown = "nothing" if written is None else f"'{written}'"
            message = f"{shown} is no span of time; write for example 7d, or all"
            raise ValueError(message) from None
        if span.seconds > LONGEST:
            raise ValueError(f"'{written}' is longer than ten years; write all")
        return cls(span)

    def before(self, interval: DataInterval) -> DataInterval | None:
        """The part of the span before a data interval; None for `all`.

        Seven days that end with [06-25, 06-26) leave [06-19, 06-25). Days and weeks are those of
        the calendar; hours and what is shorter are spans of time, whatever clocks do. It is empty
        if the data interval is as long as the span.
        """
        if self.span is None:
            return None
        start, end, length = interval.start, interval.end, timedelta(seconds=self.span.seconds)
        by_calendar = self.span.unit in ("d", "w")
        first = end - length if by_calendar else (end.astimezone(UTC) - length)
        if first.astimezone(UTC) > start.astimezone(UTC):
            first = start
        return DataInterval(first.astimezone(start.tzinfo), start)

    @staticmethod
    def all_before(interval: DataInterval) -> DataInterval:
        """All of the time before a data interval."""
        return DataInterval(LONG_AGO.replace(tzinfo=interval.start.tzinfo), interval.start)

    def __str__(self) -> str:
        return str(self.span) if self.span else ALL
