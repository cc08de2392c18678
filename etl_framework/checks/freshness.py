"""Completeness: the newest row is new enough."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from etl_framework.checks.base import MOMENTS, Context, MeasureCheck
from etl_framework.interval import Span
from etl_framework.sql.quote import literal, quote


class Freshness(MeasureCheck):
    """The newest value is at most `max_age` older than the end of the run's data interval.

    Measured from that end and not from the clock, so that a day that is run again next week gives
    the same result.
    """

    families = MOMENTS

    type: Literal["freshness"]
    column: str = Field(description="A date or timestamp column.")
    max_age: Span = Field(description="The greatest age, for example `36h`, `2d` or `30m`.")

    def measure(self, relation: str, context: Context) -> str:
        column = quote(self.column)
        # A time without a zone, as clocks in the pipeline's time zone show it.
        oldest = context.interval.end.replace(tzinfo=None) - timedelta(seconds=self.max_age.seconds)
        return (
            f"SELECT COALESCE(MAX({column}) >= {literal(oldest)}, FALSE), "
            f"CAST(MAX({column}) AS VARCHAR) FROM {relation}"
        )

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        fresh, newest = values
        end = f"{context.interval.end:%Y-%m-%d %H:%M}"
        return bool(
            fresh
        ), f"newest {newest or 'none'}; wanted {self.max_age} before {end} or newer"
