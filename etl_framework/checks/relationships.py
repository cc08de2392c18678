"""Integrity: a value exists in another relation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from etl_framework.checks.base import OneColumn
from etl_framework.sql.quote import quote


class Relationships(OneColumn):
    """The value exists in a column of another relation; an empty value passes."""

    of_masks = True

    type: Literal["relationships"]
    to: str = Field(
        pattern=r"^[a-z][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$",
        description="Relation and column that hold every value, for example `tracks.track_id`.",
    )

    def parent(self) -> tuple[str, str]:
        relation, column = self.to.split(".")
        return relation, column

    def violation(self) -> str:
        relation, column = self.parent()
        known = f"SELECT {quote(column)} FROM {quote(relation)} WHERE {quote(column)} IS NOT NULL"
        # If the parent is empty, NOT IN is true for all values, even NULL, so NULL is tested first.
        return f"{quote(self.column)} IS NOT NULL AND {quote(self.column)} NOT IN ({known})"
