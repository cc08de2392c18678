"""Volume and drift: a number of a relation is as it was in the runs before."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from etl_framework.checks.base import NUMBERS, Context, MeasureCheck
from etl_framework.model import one_word
from etl_framework.sql.quote import quote

# A normal distribution has 1.4826 median absolute deviations in a standard deviation, and 1.2533
# mean absolute ones (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993).
OF_MEDIAN, OF_MEAN = 1.4826, 1.2533
MEASURES = {
    "row_count": "COUNT(*)",
    "sum": "SUM(CAST({} AS double precision))",
    "mean": "AVG(CAST({} AS double precision))",
    "null_rate": "AVG(CASE WHEN {} IS NULL THEN 1.0e0 ELSE 0.0e0 END)",
    "distinct_count": "COUNT(DISTINCT {})",
}


class Anomaly(MeasureCheck):
    """A number is no further from its past than it has ever moved: rows, a sum, a mean, a rate.

    The past is the same number in up to `window` earlier data intervals that the ledger knows. Its
    middle is their median, its spread their median absolute deviation, so that a few odd runs
    among them do no harm. Before `warm_up` such runs it passes.
    """

    type: Literal["anomaly"]
    severity: Annotated[Literal["error", "warning", "warn"], AfterValidator(one_word)] = Field(
        "warning", description="`error`: an unusual number stops the run; `warning`: is reported."
    )
    of: Literal["row_count", "sum", "mean", "null_rate", "distinct_count"] = Field(
        "row_count", description="What is measured; all but `row_count` of a `column`."
    )
    column: str | None = Field(None, description="The column to measure.")
    window: int = Field(28, ge=3, description="How many earlier data intervals are the past.")
    season: Literal["none", "week"] = Field(
        "none", description="`week`: the past are data intervals that begin on the same weekday."
    )
    sensitivity: float = Field(
        3.0, gt=0, description="How many deviations from the median are usual; less tells more."
    )
    warm_up: int = Field(7, ge=3, description="How many of them there must be to judge by.")

    @model_validator(mode="after")
    def _column_of_the_measure(self) -> Anomaly:
        if (self.of == "row_count") == (self.column is not None):
            both = "takes no 'column'" if self.column else "needs a 'column'"
            raise ValueError(f"'of: {self.of}' {both}")
        if self.warm_up > self.window:
            raise ValueError("'warm_up' is more than 'window'")
        return self

    @property
    def families(self) -> tuple[str, ...]:  # type: ignore[override]
        """A sum and a mean are of numbers, the others of anything."""
        return NUMBERS if self.of in ("sum", "mean") else ()

    @property
    def label(self) -> str:
        """By its name, else by what is measured."""
        return self.name or " ".join(filter(None, ["anomaly", self.of, self.column]))

    def measure(self, relation: str, context: Context) -> str:
        what = MEASURES[self.of].format(quote(self.column or ""))
        return f"SELECT {what} FROM {relation}"

    def measured(self, values: tuple[Any, ...]) -> float | None:
        return None if values[0] is None else float(values[0])

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        value = self.measured(values)
        if value is None:
            return True, "no value"
        past = self.past(context)
        if len(past) < self.warm_up:
            return True, f"{_number(value)}; {len(past)} of {self.warm_up} runs to judge by"
        low, high = usual(past, self.sensitivity)
        words = f"{_number(value)}; {_number(low)} to {_number(high)} by {len(past)} runs before"
        return low <= value <= high, words

    def past(self, context: Context) -> list[float]:
        """The number in earlier data intervals, the latest first."""
        day = context.interval.start.weekday()
        known = context.measures(self.label)
        if self.season == "week":
            zone = context.interval.start.tzinfo
            known = [(at, value) for at, value in known if at.astimezone(zone).weekday() == day]
        return [value for _, value in known[: self.window]]


def usual(past: Sequence[float], sensitivity: float) -> tuple[float, float]:
    """The least and the greatest value that is like the past."""
    middle = median(past)
    away = [abs(value - middle) for value in past]
    spread = OF_MEDIAN * median(away) or OF_MEAN * fmean(away)
    return middle - sensitivity * spread, middle + sensitivity * spread


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
