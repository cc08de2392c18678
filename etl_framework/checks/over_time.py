"""A number of a relation that is compared with the same number of earlier data intervals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from etl_framework.checks.base import NUMBERS, Context, MeasureCheck
from etl_framework.model import one_word
from etl_framework.sql.quote import quote

Measure = Literal["row_count", "sum", "mean", "null_rate", "distinct_count", "read", "rejected"]
# What SQL measures, of all rows or of a column.
SQL = {
    "row_count": "COUNT(*)",
    "sum": "SUM(CAST({} AS double precision))",
    "mean": "AVG(CAST({} AS double precision))",
    "null_rate": "AVG(CASE WHEN {} IS NULL THEN 1.0e0 ELSE 0.0e0 END)",
    "distinct_count": "COUNT(DISTINCT {})",
}
# What the run of a source has counted.
COUNTED = tuple(measure for measure in get_args(Measure) if measure not in SQL)


class OverTime(MeasureCheck):
    """A number of a relation, as the runs of earlier data intervals have measured it, too."""

    severity: Annotated[Literal["error", "warning", "warn"], AfterValidator(one_word)] = Field(
        "warning", description="`error`: an unusual number stops the run; `warning`: is reported."
    )
    of: Measure = Field(
        "row_count",
        description="What is measured: rows that are kept; of a source those that were `read`, or"
        " `rejected` because they could not be read; or something of a `column`.",
    )
    column: str | None = Field(None, description="The column to measure.")

    @model_validator(mode="after")
    def _column_of_the_measure(self) -> OverTime:
        whole = self.of in ("row_count", *COUNTED)
        if whole == (self.column is not None):
            both = "takes no 'column'" if self.column else "needs a 'column'"
            raise ValueError(f"'of: {self.of}' {both}")
        return self

    @property
    def families(self) -> tuple[str, ...]:  # type: ignore[override]
        """A sum and a mean are of numbers, the others of anything."""
        return NUMBERS if self.of in ("sum", "mean") else ()

    @property
    def label(self) -> str:
        """By its name, else by what is measured."""
        return self.name or " ".join(filter(None, [self.type_name, self.of, self.column]))

    def measure(self, relation: str, context: Context) -> str:
        if self.of in COUNTED:
            count = context.counts().get(self.of)
            return f"SELECT {'NULL' if count is None else count}"
        return f"SELECT {self.expression()} FROM {relation}"

    def expression(self) -> str:
        """What SQL measures of a relation, in Redshift's dialect: `COUNT(*)`."""
        return SQL[self.of].format(quote(self.column or ""))

    def measured(self, values: tuple[Any, ...]) -> float | None:
        return None if values[0] is None else float(values[0])

    def earlier(self, context: Context, *, weekday: bool) -> Sequence[tuple[datetime, float]]:
        """The number in earlier data intervals, the latest first.

        :param weekday: only of those that begin on the same weekday.
        """
        known = context.measures(self.label)
        if not weekday:
            return known
        start = context.interval.start
        return [
            (at, value)
            for at, value in known
            if at.astimezone(start.tzinfo).weekday() == start.weekday()
        ]


def in_words(value: float) -> str:
    """A measured number, as results show it."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
