"""Integrity: no two rows are alike."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl_framework.checks.base import TableCheck
from etl_framework.sql.quote import names


class Unique(TableCheck):
    """No two rows hold the same values in the listed columns; rows with an empty one pass.

    The count is of rows that repeat an earlier one.
    """

    type: Literal["unique"]
    columns: list[str] = Field(min_length=1, description="Columns that together tell rows apart.")

    def failing_rows(self, relation: str) -> str:
        columns = names(self.columns)
        filled = " AND ".join(f"{column} IS NOT NULL" for column in columns.split(", "))
        copies = f"SELECT COUNT(*) AS copies FROM {relation} WHERE {filled} GROUP BY {columns}"
        return f"SELECT COALESCE(SUM(copies), 0) - COUNT(*) FROM ({copies}) AS keys"
