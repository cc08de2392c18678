"""Integrity: a key tells every row apart."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl_framework.checks.base import TableCheck
from etl_framework.sql.quote import names


class PrimaryKey(TableCheck):
    """The listed columns always hold values, and no two rows hold the same ones.

    The count is of rows that repeat an earlier one or have an empty column.
    """

    type: Literal["primary_key"]
    columns: list[str] = Field(min_length=1, description="Columns that together are the key.")

    def failing_rows(self, relation: str) -> str:
        columns = names(self.columns)
        filled = " AND ".join(f"{column} IS NOT NULL" for column in columns.split(", "))
        keys = f"SELECT DISTINCT {columns} FROM {relation} WHERE {filled}"
        return f"SELECT (SELECT COUNT(*) FROM {relation}) - (SELECT COUNT(*) FROM ({keys}) AS keys)"
