"""The bounds of a measured number."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from etl_framework.checks.base import MeasureCheck


class BoundedCheck(MeasureCheck):
    """A measured count lies between `min` and `max`, both included."""

    min: int | None = Field(None, ge=0, description="The least that passes.")
    max: int | None = Field(None, ge=0, description="The most that passes.")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("'min' is more than 'max'")
        return self

    def within(self, count: int) -> bool:
        """Whether a count lies between the bounds."""
        return (self.min is None or count >= self.min) and (self.max is None or count <= self.max)

    def bounds(self) -> str:
        """The bounds in words."""
        parts = [] if self.min is None else [f"{self.min:,} or more"]
        parts += [] if self.max is None else [f"{self.max:,} or fewer"]
        return " and ".join(parts)
