"""Quality: a condition holds in every row."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl_framework.checks.base import RowCheck


class Expression(RowCheck):
    """A SQL condition over the columns of one row holds.

    As in a CHECK constraint of SQL, a row of which it cannot be told, for an empty value, passes.
    """

    type: Literal["expression"]
    expression: str = Field(description="The condition, for example `ended_at >= started_at`.")

    @property
    def label(self) -> str:
        """The check's name, else its condition."""
        return self.name or f"expression {self.expression}"

    def conditions(self) -> dict[str, str]:
        """The check's own condition, besides those that every check may have."""
        return {**super().conditions(), "expression": self.expression}

    def violation(self) -> str:
        return f"NOT ({self.expression})"
