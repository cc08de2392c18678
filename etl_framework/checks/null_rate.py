"""Completeness: few enough values are empty."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl_framework.checks.base import RowCheck
from etl_framework.checks.threshold import Threshold
from etl_framework.sql.quote import quote
from etl_framework.storage.outcome import Status


class NullRate(RowCheck):
    """No more than `max` of the column's values are empty."""

    told_by = "empty"
    of_masks = True

    type: Literal["null_rate"]
    column: str = Field(description="The column to check.")
    max: Threshold = Field(description='The share that may be empty, for example `"1%"`.')
    on_fail: Literal["fail"] = Field("fail", description="Its rows stay where they are.")

    def violation(self) -> str:
        return f"{quote(self.column)} IS NULL"

    def judge(self, failing: int, rows: int) -> Status:
        """The status of the check; it passes as long as `max` is not exceeded."""
        return super().judge(failing, rows) if self.max.exceeded(failing, rows) else "pass"
