"""`check.<relation>`: every check of a relation, and the rows that it takes out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from etl_framework.checks.base import (
    CheckResult,
    Context,
    CountingCheck,
    MeasureCheck,
    RowCheck,
    Status,
    TableCheck,
)
from etl_framework.errors import CheckFailedError, Diagnostic
from etl_framework.plan import Step
from etl_framework.sources.base import Source
from etl_framework.sql.dialect import transpile_condition
from etl_framework.sql.quote import quote
from etl_framework.steps.base import Outcome, Work
from etl_framework.steps.corrections import replace_taken
from etl_framework.steps.earlier import earlier_rows
from etl_framework.steps.examples import examples, examples_of_groups, in_words
from etl_framework.steps.extract import within_limit
from etl_framework.steps.quarantine import split, take_out
from etl_framework.steps.scan import predicate, scan
from etl_framework.storage.parquet import see


def check(work: Work) -> Outcome:
    """Run all checks of a relation; row checks in one scan, then the others on the rows kept.

    :raises CheckFailedError: rules of severity error are broken; every such rule is named.
    """
    work.see_inputs()
    step, relation = work.step, work.step.relation
    row_checks = [found for found in step.checks if isinstance(found, RowCheck)]
    see(work.session, relation, work.inputs[relation], positions=True)
    rows, failing, broken = scan(work, row_checks)
    replaced = False
    if broken:
        take_out(work, row_checks)
        replaced = replace_taken(work)
    if replaced:
        rows, failing, broken = scan(work, row_checks)
        take_out(work, row_checks)
    # In the order of the file, whichever way they run.
    results: dict[int, CheckResult] = {}
    shown = examples(
        work, {i: predicate(row_checks[i]) for i, count in enumerate(failing) if count}
    )
    for i, (row_check, count) in enumerate(zip(row_checks, failing, strict=True)):
        results[id(row_check)] = judged(work, row_check, count, rows, shown.get(i, ()))
    files = work.inputs[relation]
    if broken or replaced:
        files = split(work)
    see(work.session, relation, files)
    kept = rows - broken
    context = Context(work.plan.interval, cache(lambda: earlier_rows(work)))
    for found, sql in zip(step.checks, step.check_sql, strict=True):
        if isinstance(found, TableCheck):
            results[id(found)] = _table_check(work, found, sql, kept)
        elif isinstance(found, MeasureCheck):
            sql = found.measure(_checked(work, found.where), context)
            values = work.session.execute(sql).fetchone() or ()
            results[id(found)] = measured(work, found, values, context, kept)
    ordered = [results[id(found)] for found in step.checks]
    stop_on_failure(step, ordered)
    if isinstance(step.block, Source):
        extracted = (work.run.step(f"extract.{relation}").result() or {}).get("counts", {})
        read = extracted.get("read", rows)
        within_limit(step, step.block, read - kept, read)
    counts = {"rows": rows, "kept": kept, "quarantined": broken}
    return Outcome(counts, tuple(ordered), tuple(files))


def _checked(work: Work, where: str | None, sql: str = "") -> str:
    """What a check selects from: the relation or the check's own query, narrowed by `where`."""
    relation = f"({sql})" if sql else quote(work.step.relation)
    if where:
        relation = f"(SELECT * FROM {relation} WHERE {transpile_condition(where, to='duckdb')})"
    return f"{relation} AS checked"


def _table_check(work: Work, found: TableCheck, sql: str, rows: int) -> CheckResult:
    groups = found.groups(_checked(work, found.where, sql))
    failing, shown = examples_of_groups(work, groups)
    return judged(work, found, failing, rows, shown)


def measured(
    work: Work, found: MeasureCheck, values: tuple[Any, ...], context: Context, rows: int
) -> CheckResult:
    """The result of a check of a number.

    :param values: what its query gave.
    """
    kept, note = found.verdict(values, context)
    broken: Status = "fail" if found.severity == "error" else "warn"
    status = "pass" if kept else broken
    return CheckResult(found.label, work.step.relation, status, 0, rows, note)


def judged(
    work: Work,
    found: CountingCheck,
    failing: int,
    rows: int,
    shown: Sequence[dict[str, object]] = (),
) -> CheckResult:
    """The result of a check that counts rows."""
    status = found.judge(failing, rows)
    return CheckResult(found.label, work.step.relation, status, failing, rows, "", shown)


def stop_on_failure(step: Step, results: Sequence[CheckResult]) -> None:
    """Refuse to go on when rules are broken.

    :raises CheckFailedError: some are; every such rule is named.
    """
    if any(result.status == "fail" for result in results):
        problems = [
            Diagnostic(
                *place,
                CheckFailedError.code,
                f"check '{result.check}' of '{result.relation}' failed: "
                + (result.note or f"{result.failing:,} of {result.rows:,} rows"),
                "nothing was published" + in_words(result.examples),
            )
            for result, place in zip(results, step.check_places, strict=True)
            if result.status == "fail"
        ]
        raise CheckFailedError(problems, checks=tuple(results))
