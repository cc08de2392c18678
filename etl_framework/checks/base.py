"""What a check is, and how its result is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from etl_framework.checks.threshold import Threshold
from etl_framework.model import Model, Name

Status = Literal["pass", "warn", "quarantine", "fail"]


@dataclass(frozen=True)
class CheckResult:
    """How a check went: `failing` rows out of `rows`."""

    check: str
    relation: str
    status: Status
    failing: int
    rows: int


class Check(Model):
    """A rule that the rows of a relation keep."""

    name: Name | None = Field(None, description="Tells two checks of one kind apart.")
    severity: Literal["error", "warn"] = Field(
        "error", description="`error`: failing rows stop the run; `warn`: they are reported."
    )
    warn_if: Threshold | None = Field(
        None, description='Report beyond this, for example `">0.1%"`.'
    )
    error_if: Threshold | None = Field(None, description='Stop beyond this, for example `">1%"`.')
    where: str | None = Field(
        None, description="SQL condition; only rows that meet it are checked."
    )

    @property
    def label(self) -> str:
        """What results call this check: its name, else its type and columns."""
        return self.name or " ".join([self.type_name, *self.checked_columns()])

    @property
    def type_name(self) -> str:
        """What the file calls this kind of check."""
        return str(getattr(self, "type", type(self).__name__))

    def checked_columns(self) -> list[str]:
        """The columns that must exist in the relation."""
        one = getattr(self, "column", None)
        return [one] if one else list(getattr(self, "columns", []))

    def parent(self) -> tuple[str, str] | None:
        """Relation and column that the check compares with, when it does."""
        return None

    def judge(self, failing: int, rows: int) -> Status:
        """What `failing` rows out of `rows` mean."""
        if self.error_if and self.error_if.exceeded(failing, rows):
            return "fail"
        if failing == 0 or (self.warn_if and not self.warn_if.exceeded(failing, rows)):
            return "pass"
        tolerated = self.error_if is not None or self.warn_if is not None
        return "warn" if self.severity == "warn" or tolerated else "fail"


class RowCheck(Check):
    """A check that tells of each row alone whether it breaks the rule.

    All row checks of a relation run in one scan, and the same predicate picks the rows to take out.
    """

    on_fail: Literal["fail", "quarantine"] = Field(
        "fail", description="`quarantine`: take failing rows out and go on without them."
    )

    def violation(self) -> str:
        """SQL in Redshift's dialect that is true for a row that breaks the rule."""
        raise NotImplementedError

    def judge(self, failing: int, rows: int) -> Status:
        """What `failing` rows out of `rows` mean; quarantined rows alone stop nothing."""
        if self.on_fail == "fail":
            return super().judge(failing, rows)
        if self.error_if and self.error_if.exceeded(failing, rows):
            return "fail"
        return "quarantine" if failing else "pass"


class TableCheck(Check):
    """A check that needs to see the relation as a whole."""

    def failing_rows(self, relation: str) -> str:
        """SQL in Redshift's dialect: one number, the count of rows that break the rule.

        :param relation: what to select from, as SQL.
        """
        raise NotImplementedError


class OneColumn(RowCheck):
    """A row check of one column; an empty value keeps every rule but `not_null`."""

    column: str = Field(description="The column to check.")
