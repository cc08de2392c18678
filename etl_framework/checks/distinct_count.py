"""Quality: a column has the right number of different values."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from etl_framework.checks.base import Context
from etl_framework.checks.bounds import BoundedCheck
from etl_framework.sql.quote import quote


class DistinctCount(BoundedCheck):
    """The column holds `min` to `max` different values; empty ones do not count."""

    of_masks = True

    type: Literal["distinct_count"]
    column: str = Field(description="The column to check.")

    @model_validator(mode="after")
    def _some_bound(self) -> DistinctCount:
        if self.min is None and self.max is None:
            raise ValueError("give 'min', 'max' or both")
        return self

    def measure(self, relation: str, context: Context) -> str:
        return f"SELECT COUNT(DISTINCT {quote(self.column)}) FROM {relation}"

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        return self.within(values[0]), f"{values[0]:,} different values; wanted {self.bounds()}"
