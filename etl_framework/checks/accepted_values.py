"""Quality: a column holds one of a list of values."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field, field_validator

from etl_framework.checks.base import OneColumn
from etl_framework.model import wrong_at
from etl_framework.sql.quote import quote, redshift_literal


class AcceptedValues(OneColumn):
    """The column holds one of the listed values; an empty one passes."""

    type: Literal["accepted_values"]
    values: list[bool | int | float | str | datetime | date] = Field(
        min_length=1, description="What it may hold."
    )

    @field_validator("values", mode="before")
    @classmethod
    def _filled(cls, values: Any) -> Any:
        for index, value in enumerate(values if isinstance(values, list) else ()):
            if value is None:
                raise wrong_at("an empty value always passes: take it out of the list", index)
        return values

    def compared_values(self) -> list[tuple[tuple[str | int, ...], Any]]:
        """The accepted values, each with its place in the check."""
        return [(("values", index), value) for index, value in enumerate(self.values)]

    def violation(self) -> str:
        return f"{quote(self.column)} NOT IN {redshift_literal(self.values)}"
