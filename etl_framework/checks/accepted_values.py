"""Quality: a column holds one of a list of values."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl_framework.checks.base import OneColumn
from etl_framework.sql.quote import quote, redshift_literal


class AcceptedValues(OneColumn):
    """The column holds one of the listed values; an empty one passes."""

    type: Literal["accepted_values"]
    values: list[bool | int | float | str] = Field(min_length=1, description="What it may hold.")

    def violation(self) -> str:
        return f"{quote(self.column)} NOT IN {redshift_literal(self.values)}"
