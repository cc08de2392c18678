"""Completeness: columns that must hold a value."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl_framework.checks.base import RowCheck
from etl_framework.sql.quote import quote


class NotNull(RowCheck):
    """Every listed column holds a value in every row."""

    told_by = "empty"
    of_masks = True

    type: Literal["not_null"]
    columns: list[str] = Field(min_length=1, description="Columns that must hold a value.")

    def violation(self) -> str:
        return " OR ".join(f"{quote(column)} IS NULL" for column in self.columns)
