"""Completeness: a relation has the right number of rows."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from etl_framework.checks.base import Context
from etl_framework.checks.bounds import BoundedCheck
from etl_framework.checks.threshold import Threshold


class RowCount(BoundedCheck):
    """There are `min` to `max` rows, and about as many as in the runs before.

    Those are up to seven runs of earlier data intervals that the ledger knows; `max_change` is
    measured against their mean. Without such runs it passes. With `on: target` it is measured
    against the number of rows that the table had before the run.
    """

    type: Literal["row_count"]
    max_change: Threshold | None = Field(
        None,
        description='How far from the mean of the runs before, for example `"50%"` or `"1000"`;'
        " with `on: target`, from the table before the run.",
    )

    @model_validator(mode="after")
    def _some_bound(self) -> RowCount:
        if self.min is None and self.max is None and self.max_change is None:
            raise ValueError("give 'min', 'max' or 'max_change'")
        if self.max_change and self.where:
            raise ValueError("'max_change' is for all rows, without 'where'")
        return self

    def measure(self, relation: str, context: Context) -> str:
        return f"SELECT COUNT(*) FROM {relation}"

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        (rows,) = values
        kept, words = self.within(rows), [f"{rows:,} rows"]
        if self.bounds():
            words.append(f"wanted {self.bounds()}")
        if self.max_change and (earlier := list(context.earlier())):
            mean = round(sum(earlier) / len(earlier))
            kept = kept and not self.max_change.exceeded(abs(rows - mean), mean)
            when = "before the run" if self.on == "target" else "in the runs before"
            words.append(f"{mean:,} {when}, {self.max_change} may change")
        return kept, "; ".join(words)
