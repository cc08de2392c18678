"""Checks of whole targets, in the transaction that has loaded them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.checks.base import Check, Context, MeasureCheck, RowCheck, TableCheck
from etl_framework.columns import Column
from etl_framework.errors import CheckFailedError, Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import quote_table
from etl_framework.storage.outcome import CheckResult

# Takes a condition in Redshift's SQL and the columns that it is about, and returns the condition in
# the database's SQL, in brackets.
Condition = Callable[[str, Sequence[Column]], str]


@dataclass(frozen=True)
class TargetCheck:
    """A check of the whole table that a KPI is loaded into.

    :param place: where the pipeline's file declares the check: path, line, column.
    """

    check: Check
    relation: str
    table: str
    columns: tuple[Column, ...]
    place: tuple[str, int, int]

    def query(self, condition: Condition, context: Context) -> str:
        """A query for what the check is judged by.

        A number of failing rows and of all rows, or measured values:

            SELECT COUNT(CASE WHEN ("plays" < 0) THEN 1 END), COUNT(*) FROM "plays"
        """
        check, table = self.check, quote_table(self.table)
        where = condition(check.where, self.columns) if check.where else ""
        checked = f"(SELECT * FROM {table} WHERE {where}) AS checked" if where else table
        if isinstance(check, RowCheck):
            broken = condition(check.violation(), self.columns)
            broken = f"{where} AND {broken}" if where else broken
            return f"SELECT COUNT(CASE WHEN {broken} THEN 1 END), COUNT(*) FROM {table}"
        if isinstance(check, TableCheck):
            rows = f"(SELECT COUNT(*) FROM {table})"
            groups = f"({check.groups(checked)}) AS grouped"
            return f"SELECT COALESCE(SUM(failing), 0), {rows} FROM {groups}"
        if isinstance(check, MeasureCheck):
            return check.measure(checked, context)
        raise TypeError(f"{type(check).__name__} is no check of rows, of a table or of a measure")

    def result(self, values: Sequence[Any], context: Context) -> CheckResult:
        """The result, from the row that the query gave."""
        if isinstance(self.check, RowCheck | TableCheck):
            failing, rows = map(int, values)
            return self.check.result(self.table, failing, rows)
        assert isinstance(self.check, MeasureCheck)
        return self.check.result(self.table, tuple(values), context, 0)

    def failure(self, result: CheckResult) -> Diagnostic:
        """What is said of a check that has failed."""
        what = result.note or f"{result.failing:,} of {result.rows:,} rows"
        message = f"check '{result.check}' of the whole table {self.table} failed: {what}"
        hint = "its rows are as they were"
        return Diagnostic(*self.place, CheckFailedError.code, message, hint)


def check_targets(
    checks: Sequence[TargetCheck],
    interval: DataInterval,
    condition: Condition,
    ask: Callable[[str], Sequence[Any]],
) -> list[CheckResult]:
    """Run checks, each with one query.

    :param ask: returns the only row of a query.
    :raises CheckFailedError: rules of severity `error` are broken; the error names all of them.
    """
    context = Context(interval, lambda: ())
    results = [check.result(ask(check.query(condition, context)), context) for check in checks]
    if failed := list(_failed(checks, results)):
        raise CheckFailedError(failed, checks=tuple(results))
    return results


def _failed(checks: Sequence[TargetCheck], results: Sequence[CheckResult]) -> Iterator[Diagnostic]:
    for check, result in zip(checks, results, strict=True):
        if result.status == "fail":
            yield check.failure(result)
