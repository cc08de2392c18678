"""Drift: a number of a relation has not moved too far since the data interval before."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from etl_framework.checks.base import Context
from etl_framework.checks.over_time import OverTime, in_words
from etl_framework.checks.threshold import Threshold


class Change(OverTime):
    """A number is no further than `max` from that of the data interval before, or a week before.

    Those are the latest earlier interval that the ledger knows, and with `against: week` the
    latest one that began on the same weekday. Without one it passes.
    """

    type: Literal["change"]
    max: Threshold = Field(description='The greatest change, for example `"20%"` or `"1000"`.')
    against: Literal["previous", "week"] = Field(
        "previous", description="`week`: the latest data interval that began on this weekday."
    )

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        value = self.measured(values)
        if value is None:
            return True, "no value"
        earlier = self.earlier(context, weekday=self.against == "week")
        if not earlier:
            return True, f"{in_words(value)}; nothing to compare with"
        at, before = earlier[0]
        day = f"{at.astimezone(context.interval.start.tzinfo):%Y-%m-%d}"
        kept = not self.max.exceeded(abs(_exact(value) - _exact(before)), abs(_exact(before)))
        return kept, f"{in_words(value)}; {in_words(before)} on {day}, {self.max} may change"


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
