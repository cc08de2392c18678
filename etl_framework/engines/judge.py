"""Turn the numbers that an engine measured into results of checks, or into errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from etl_framework.checks.base import Context
from etl_framework.columns import MASK
from etl_framework.engines.origins import FORGOTTEN
from etl_framework.engines.row_counts import earlier_measures, earlier_rows
from etl_framework.engines.work import Work
from etl_framework.errors import CheckFailedError, Diagnostic
from etl_framework.plan.step import Step
from etl_framework.sources.base import Extracted, Source
from etl_framework.storage.outcome import CheckResult, Outcome, Status
from etl_framework.storage.parquet import FILE, ROW
from etl_framework.storage.rejected import columns_at_fault

LONGEST = 200
# Of so many columns at fault an outcome tells how many rows could not be read.
COLUMNS = 20


def context_of(work: Work) -> Context:
    """Return what measures can be compared with; the ledger is only read if a check needs it."""
    measures = cache(lambda label: earlier_measures(work, label))

    def counts() -> Mapping[str, int]:
        extracted = work.run.step(f"extract.{work.step.relation}").outcome()
        return extracted.counts if extracted else {}

    return Context(work.plan.interval, cache(lambda: earlier_rows(work)), measures, counts)


def checked(
    work: Work, rows: int, quarantined: int, results: Sequence[CheckResult], made: Outcome
) -> Outcome:
    """Return the outcome of a check step.

    :param results: the results, in the order of the step's checks.
    :param made: names the files or the table of the relation.
    :raises CheckFailedError: rules are broken, and the error names all of them; or more rows of the
        source were rejected and quarantined than it allows.
    """
    by_itself = work.plan.pipeline.publish == "each" and work.step.section == "kpis"
    held = f"'{work.step.relation}' is held back" if by_itself else "nothing was published"
    _stop_on_failure(work.step, results, held)
    kept = rows - quarantined
    if isinstance(work.step.block, Source):
        extracted = work.run.step(f"extract.{work.step.relation}").outcome()
        read = extracted.counts["read"] if extracted else rows
        _stay_within_limit(work.step, work.step.block, read - kept, read)
    counts = {"rows": rows, "kept": kept, "quarantined": quarantined}
    return Outcome(counts, tuple(results), made.files, made.table)


def extracted(work: Work, rows: Extracted, made: Outcome) -> Outcome:
    """Return the outcome of an extract step.

    :param made: names the files or the table of the relation.
    :raises CheckFailedError: more rows were rejected than the source allows.
    """
    _stay_within_limit(work.step, work.source, rows.rejected, rows.read)
    counts = {"read": rows.read, "kept": rows.kept, "rejected": rows.rejected}
    counts |= {FORGOTTEN: rows.forgotten} if rows.forgotten else {}
    unread = columns_at_fault(work.folder.files("rejected")) if rows.rejected else {}
    return replace(
        made,
        counts=counts,
        sources=rows.files,
        since=rows.since,
        arrived=rows.arrived,
        unread=dict(list(unread.items())[:COLUMNS]),
    )


def remarks(work: Work, rows: Extracted) -> tuple[CheckResult, ...]:
    """Return what the source warns of, and the check for columns that it does not declare.

    :raises CheckFailedError: there are such columns, and the source has `on_new_column: fail`.
    """
    relation = work.step.relation
    warnings = (
        CheckResult(name, relation, "warning", 0, rows.read, note) for name, note in rows.warnings
    )
    return (*warnings, *new_columns(work, rows))


def new_columns(work: Work, rows: Extracted) -> tuple[CheckResult, ...]:
    """Check for columns that the source does not declare, as its `on_new_column` says.

    :raises CheckFailedError: there are such columns, and the source has `on_new_column: fail`.
    """
    source, names = work.source, rows.new_columns
    if source.on_new_column == "ignore":
        return ()
    note = f"not declared: {', '.join(names)}" if names else "all are declared"
    status: Status = "pass"
    if names:
        status = "fail" if source.on_new_column == "fail" else "warning"
    result = CheckResult("new_column", work.step.relation, status, 0, rows.read, note)
    if status == "fail":
        raise CheckFailedError(
            f"'{work.step.relation}' has columns that are not declared: {', '.join(names)}",
            hint="declare them, or write `on_new_column: warn` or `ignore`",
            checks=(result,),
        )
    return (result,)


def shown(work: Work, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row for reports: no positions, sensitive values masked, long texts shortened."""
    hidden = work.plan.pipeline.sensitive()
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if name in (FILE, ROW):
            continue
        if name.lower() in hidden and value is not None:
            value = MASK
        if value is not None and not isinstance(value, bool | int):
            value = str(value)
        if isinstance(value, str) and len(value) > LONGEST:
            value = value[:LONGEST] + "..."
        cells[name] = value
    return cells


def _stay_within_limit(step: Step, source: Source, rejected: int, read: int) -> None:
    if source.max_rejected.exceeded(rejected, read):
        raise CheckFailedError(
            f"{rejected:,} of {read:,} rows of '{step.relation}' were rejected, "
            f"more than max_rejected ({source.max_rejected})",
            hint=f"look at them with: etl quarantine show {step.relation}",
        )


def _stop_on_failure(step: Step, results: Sequence[CheckResult], held: str) -> None:
    if any(result.status == "fail" for result in results):
        problems = [
            Diagnostic(
                *place,
                CheckFailedError.code,
                f"check '{result.check}' of '{result.relation}' failed: "
                + (result.note or f"{result.failing:,} of {result.rows:,} rows"),
                held + _first_example(result.examples),
            )
            for result, place in zip(results, step.check_places, strict=True)
            if result.status == "fail"
        ]
        raise CheckFailedError(problems, checks=tuple(results))


def _first_example(examples: Sequence[dict[str, Any]]) -> str:
    return f"; for example {json.dumps(examples[0], ensure_ascii=False)}" if examples else ""
