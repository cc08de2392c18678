"""Volume and drift: a number of a relation is as it was in the runs before."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any, Literal

from pydantic import Field, model_validator

from etl_framework.checks.base import Context
from etl_framework.checks.over_time import OverTime, in_words

# A normal distribution has 1.4826 median absolute deviations in a standard deviation, and 1.2533
# mean absolute ones (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993).
OF_MEDIAN, OF_MEAN = 1.4826, 1.2533


class Anomaly(OverTime):
    """A number is no further from its past than it has ever moved: rows, a sum, a mean, a rate.

    The past is the same number in up to `window` earlier data intervals that the ledger knows. Its
    middle is their median, its spread their median absolute deviation, so that a few odd runs
    among them do no harm. Before `warm_up` such runs it passes.
    """

    type: Literal["anomaly"]
    window: int = Field(28, ge=3, description="How many earlier data intervals are the past.")
    season: Literal["none", "week"] = Field(
        "none", description="`week`: the past are data intervals that begin on the same weekday."
    )
    sensitivity: float = Field(
        3.0, gt=0, description="How many deviations from the median are usual; less tells more."
    )
    warm_up: int = Field(7, ge=3, description="How many of them there must be to judge by.")

    @model_validator(mode="after")
    def _warm_up_within_the_window(self) -> Anomaly:
        if self.warm_up > self.window:
            raise ValueError("'warm_up' is more than 'window'")
        return self

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        value = self.measured(values)
        if value is None:
            return True, "no value"
        past = self.past(context)
        if len(past) < self.warm_up:
            return True, f"{in_words(value)}; {len(past)} of {self.warm_up} runs to judge by"
        low, high = usual(past, self.sensitivity)
        words = f"{in_words(value)}; {in_words(low)} to {in_words(high)} by {len(past)} runs before"
        return low <= value <= high, words

    def past(self, context: Context) -> list[float]:
        """The number in earlier data intervals, the latest first."""
        earlier = self.earlier(context, weekday=self.season == "week")
        return [value for _, value in earlier[: self.window]]


def usual(past: Sequence[float], sensitivity: float) -> tuple[float, float]:
    """The least and the greatest value that is like the past."""
    middle = median(past)
    away = [abs(value - middle) for value in past]
    spread = OF_MEDIAN * median(away) or OF_MEAN * fmean(away)
    return middle - sensitivity * spread, middle + sensitivity * spread
