"""Quality: a column lies between two bounds."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from etl_framework.checks.base import MOMENTS, NUMBERS, OneColumn
from etl_framework.sql.quote import quote, redshift_literal

Bound = int | float | datetime | date


class AcceptedRange(OneColumn):
    """The column lies between `min` and `max`, both included; an empty value passes."""

    told_by = "extremes"
    families = (*NUMBERS, *MOMENTS)

    type: Literal["accepted_range"]
    min: Bound | None = Field(None, description="The least value that passes.")
    max: Bound | None = Field(None, description="The greatest value that passes.")

    @model_validator(mode="after")
    def _some_bound(self) -> AcceptedRange:
        if self.min is None and self.max is None:
            raise ValueError("give 'min', 'max' or both")
        return self

    def compared_values(self) -> list[tuple[tuple[str | int, ...], Any]]:
        """The bounds, each with its place in the check."""
        bounds = [(("min",), self.min), (("max",), self.max)]
        return [(keys, bound) for keys, bound in bounds if bound is not None]

    def violation(self) -> str:
        column = quote(self.column)
        bounds = [(self.min, "<"), (self.max, ">")]
        return " OR ".join(
            f"{column} {sign} {redshift_literal(b)}" for b, sign in bounds if b is not None
        )
