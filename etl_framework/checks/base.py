"""The base classes of checks, and how their results are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from etl_framework.checks.threshold import Threshold
from etl_framework.interval import DataInterval
from etl_framework.model import Model, Name, one_word
from etl_framework.sql.quote import names
from etl_framework.storage.outcome import CheckResult, Status

EXAMPLES = 10
NUMBERS = ("integer", "decimal", "float")
MOMENTS = ("date", "timestamp", "timestamptz")


class Check(Model):
    """A rule that the rows of a relation must keep."""

    families: ClassVar[tuple[str, ...]] = ()
    """The families of types that the checked columns may have; empty for any."""

    of_masks: ClassVar[bool] = False
    """Whether it judges masked values as it would judge the values themselves."""

    name: Name | None = Field(None, description="Tells two checks of one kind apart.")
    severity: Annotated[Literal["error", "warning", "warn"], AfterValidator(one_word)] = Field(
        "error", description="`error`: a broken rule stops the run; `warning`: it is reported."
    )
    where: str | None = Field(
        None, description="SQL condition; only rows that meet it are checked."
    )
    on: Literal["rows", "target"] = Field(
        "rows",
        description="`target`, for a KPI: check the whole table as the run leaves it, in the"
        " transaction that loads it; a broken rule takes everything back.",
    )

    @property
    def label(self) -> str:
        """How results name this check: by its name, else by its type and columns."""
        return self.name or " ".join([self.type_name, *self.checked_columns()])

    @property
    def type_name(self) -> str:
        """The type of this check, as written in the file."""
        return str(getattr(self, "type", type(self).__name__))

    def checked_columns(self) -> list[str]:
        """The columns that must exist in the relation."""
        one = getattr(self, "column", None)
        return [one] if one else list(getattr(self, "columns", []))

    def conditions(self) -> dict[str, str]:
        """The SQL conditions of the check, by their keys in the file."""
        return {"where": self.where} if self.where else {}

    def compared_values(self) -> list[tuple[tuple[str | int, ...], Any]]:
        """The values that the column is compared with, each with its place in the check."""
        return []

    def parent(self) -> tuple[str, str | None] | None:
        """The relation (and its column or None) that the check compares with; None: it has none."""
        return None


class CountingCheck(Check):
    """A check that counts the rows that break its rule."""

    warn_if: Threshold | None = Field(
        None, description='Report beyond this, for example `">0.1%"`.'
    )
    error_if: Threshold | None = Field(None, description='Stop beyond this, for example `">1%"`.')

    def result(
        self, relation: str, failing: int, rows: int, examples: Sequence[dict[str, object]] = ()
    ) -> CheckResult:
        """The result of the check when `failing` rows out of `rows` break its rule."""
        status = self.judge(failing, rows)
        return CheckResult(self.label, relation, status, failing, rows, "", examples)

    def judge(self, failing: int, rows: int) -> Status:
        """The status of the check when `failing` rows out of `rows` break its rule."""
        if self.error_if and self.error_if.exceeded(failing, rows):
            return "fail"
        if failing == 0 or (self.warn_if and not self.warn_if.exceeded(failing, rows)):
            return "pass"
        tolerated = self.error_if is not None or self.warn_if is not None
        return "warning" if self.severity == "warning" or tolerated else "fail"


class RowCheck(CountingCheck):
    """A check that can tell for each row by itself whether it breaks the rule.

    All row checks of a relation run in one scan. The same predicate selects rows for quarantine.
    """

    told_by: ClassVar[Literal["", "empty", "extremes"]] = ""
    """What is enough to know about the columns to see that no row breaks the rule: `empty`, that
    they have no empty value; `extremes`, that their least and greatest value keep the rule."""

    costly: ClassVar[bool] = False
    """Whether it is slower to judge a value than to look it up among those that are judged."""

    on_fail: Literal["fail", "quarantine"] = Field(
        "fail", description="`quarantine`: take failing rows out and go on without them."
    )

    def violation(self) -> str:
        """SQL in Redshift's dialect that is true for a row that breaks the rule."""
        raise NotImplementedError

    def judge(self, failing: int, rows: int) -> Status:
        """The status of the check; rows that go to quarantine do not stop the run by themselves."""
        if self.on_fail == "fail":
            return super().judge(failing, rows)
        if self.error_if and self.error_if.exceeded(failing, rows):
            return "fail"
        return "quarantine" if failing else "pass"


class TableCheck(CountingCheck):
    """A check that needs to see the relation as a whole."""

    def groups(self, relation: str) -> str:
        """SQL in Redshift's dialect that selects groups of rows with their number of failing rows.

        The number is the last column and is called `failing`; it may be 0.

        :param relation: what to select from, as SQL.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Context:
    """The values that a measured number may be compared with.

    :param earlier: returns the row counts of the same relation in earlier runs, the latest first.
    :param measures: returns what a check of the same relation has measured in earlier runs, by its
        label: when the data intervals begin, and the numbers, the latest first.
    :param counts: returns how many rows of a source the run has `read` and `rejected`.
    """

    interval: DataInterval
    earlier: Callable[[], Sequence[int]]
    measures: Callable[[str], Sequence[tuple[datetime, float]]] = lambda label: ()
    counts: Callable[[], Mapping[str, int]] = dict


class MeasureCheck(Check):
    """A check of a number that is measured over the whole relation."""

    def measure(self, relation: str, context: Context) -> str:
        """SQL in Redshift's dialect that gives one row of measured values.

        :param relation: what to select from, as SQL.
        """
        raise NotImplementedError

    def result(
        self, relation: str, values: tuple[Any, ...], context: Context, rows: int
    ) -> CheckResult:
        """The result of the check.

        :param values: the row that the SQL of `measure` gave.
        """
        kept, note = self.verdict(values, context)
        broken: Status = "fail" if self.severity == "error" else "warning"
        status: Status = "pass" if kept else broken
        measure = self.measured(values)
        return CheckResult(self.label, relation, status, 0, rows, note, measure=measure)

    def measured(self, values: tuple[Any, ...]) -> float | None:
        """The number that later runs are compared with; None if they are with none.

        :param values: the row that the SQL of `measure` gave.
        """
        return None

    def verdict(self, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
        """Whether the rule is kept, and the measured values in words.

        :param values: the row that the SQL of `measure` gave.
        """
        raise NotImplementedError


class OneColumn(RowCheck):
    """A row check of one column; an empty value keeps every rule but `not_null`."""

    column: str = Field(description="The column to check.")


class KeyCheck(TableCheck):
    """A check that no two rows have the same values in some columns."""

    empty_fails: ClassVar[bool]
    of_masks = True

    columns: list[str] = Field(min_length=1, description="Columns that together tell rows apart.")

    def groups(self, relation: str) -> str:
        # SELECT "a", COUNT(*) - CASE WHEN "a" IS NOT NULL THEN 1 ELSE 0 END AS failing
        # FROM listens GROUP BY "a"
        columns = names(self.columns)
        filled = " AND ".join(f"{column} IS NOT NULL" for column in columns.split(", "))
        allowed = f"CASE WHEN {filled} THEN 1 ELSE 0 END" if self.empty_fails else "1"
        where = "" if self.empty_fails else f" WHERE {filled}"
        return (
            f"SELECT {columns}, COUNT(*) - {allowed} AS failing "
            f"FROM {relation}{where} GROUP BY {columns}"
        )
