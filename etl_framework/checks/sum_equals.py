"""Integrity: two relations agree on a total."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from etl_framework.checks.base import NUMBERS, Context, MeasureCheck
from etl_framework.sql.quote import quote


class SumEquals(MeasureCheck):
    """The sum of the column equals the sum of another relation's column, or its number of rows.

    The sum of no rows is 0. Sums of floats depend on their order: give them a `tolerance`.
    """

    families = NUMBERS

    type: Literal["sum_equals"]
    column: str = Field(description="The column to sum.")
    to: str = Field(
        pattern=r"^[a-z][a-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$",
        description="`listens` for its number of rows, `listens.amount` for the sum of a column.",
    )
    tolerance: Decimal = Field(Decimal(0), ge=0, description="How far apart they may be.")

    def parent(self) -> tuple[str, str | None]:
        relation, _, column = self.to.partition(".")
        return relation, column or None

    def measure(self, relation: str, context: Context) -> str:
        # SELECT CAST(total AS VARCHAR), CAST(wanted AS VARCHAR),
        #     COALESCE(ABS(total - wanted) <= 0, FALSE)
        # FROM (SELECT COALESCE(SUM("amount"), 0) AS total FROM kpis) AS one,
        #     (SELECT COUNT(*) AS wanted FROM "listens") AS other
        other, column = self.parent()
        total = f"COALESCE(SUM({quote(column)}), 0)" if column else "COUNT(*)"
        return (
            f"SELECT CAST(total AS VARCHAR), CAST(wanted AS VARCHAR), "
            f"COALESCE(ABS(total - wanted) <= {self.tolerance}, FALSE) FROM "
            f"(SELECT COALESCE(SUM({quote(self.column)}), 0) AS total FROM {relation}) AS one, "
            f"(SELECT {total} AS wanted FROM {quote(other)}) AS other"
        )

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        total, wanted, equal = values
        return bool(equal), f"the sum is {total}; {self.to} gives {wanted}"
