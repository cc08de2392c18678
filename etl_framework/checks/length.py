"""Quality: a text is neither too short nor too long."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from etl_framework.checks.base import OneColumn
from etl_framework.sql.quote import quote


class Length(OneColumn):
    """The text has `min` to `max` characters, both included; an empty value passes."""

    families = ("text",)

    type: Literal["length"]
    min: int | None = Field(None, ge=0, description="The fewest characters that pass.")
    max: int | None = Field(None, ge=0, description="The most characters that pass.")

    @model_validator(mode="after")
    def _some_bound(self) -> Length:
        if self.min is None and self.max is None:
            raise ValueError("give 'min', 'max' or both")
        return self

    def violation(self) -> str:
        bounds = [(self.min, "<"), (self.max, ">")]
        return " OR ".join(
            f"LENGTH({quote(self.column)}) {sign} {bound}"
            for bound, sign in bounds
            if bound is not None
        )
