"""Any rule: a query finds the rows that break it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from etl_framework.checks.base import TableCheck
from etl_framework.model import Params


class Sql(TableCheck):
    """A SELECT from a template finds no rows; it may read every relation, as a transform may.

    The count is of rows that it finds; a share is of the rows of the checked relation.
    """

    type: Literal["sql"]
    sql: str = Field(description="File under `sql_templates/` with a SELECT of the failing rows.")

    params: Params = Field({}, description="Values that the template may use: `{{ params.x }}`.")

    @field_validator("where")
    @classmethod
    def _in_the_select(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("write the condition into the SELECT")
        return value

    @property
    def label(self) -> str:
        """The check's name, else the file's."""
        return self.name or f"sql {self.sql}"

    def groups(self, relation: str) -> str:
        return f"SELECT *, 1 AS failing FROM {relation}"
