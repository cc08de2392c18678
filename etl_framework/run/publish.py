"""`publish`: load all KPIs of a run into their targets and write the ledger, in transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from etl_framework.engines.work import Work
from etl_framework.errors import Diagnostic, RetryableError, StepError
from etl_framework.run.archive import archive
from etl_framework.run.earlier import read, told
from etl_framework.run.loads import load_of, outcome_of
from etl_framework.run.retry import until_it_passes
from etl_framework.run.today import rows_of_today
from etl_framework.storage.outcome import CheckResult, Outcome
from etl_framework.targets.earlier import EARLIER_ROWS
from etl_framework.targets.ledger import LedgerEntry
from etl_framework.targets.load import Load
from etl_framework.targets.lost import lost_rows


def publish(work: Work) -> Outcome:
    """Load every KPI into its target.

    There is one transaction for every connection: it changes all targets there and the ledger row.
    With `publish: each` there is one for every KPI, and a KPI that is not ready or breaks a rule
    holds back no other.

    :raises StepError: the rows of a source do not add up, a target has other columns, or a KPI was
        held back; the error then says which were published.
    """
    plan = work.plan
    entry = LedgerEntry(
        pipeline=plan.pipeline.name,
        interval=plan.interval,
        run_id=work.run_id,
        environment=plan.environment_name,
        published_at=datetime.now(UTC),
        sources=tuple(source_counts(work)),
        checks=tuple(result.facts() for result in check_results(work)),
        targets=(),
        files=tuple(files_read(work)),
    )
    rows, results = 0, list[CheckResult]()
    published, problems = list[str](), list[Diagnostic]()
    held = set[str]()
    for kpis in _transactions(work):
        try:
            _not_made_from(work, kpis, held)
            inserted, more = _published(work, kpis, entry)
        except StepError as error:
            if plan.pipeline.publish == "together" or isinstance(error, RetryableError):
                raise
            problems += _held_back(work, kpis, error)
            held.update(kpis)
        else:
            rows, results, published = rows + inserted, [*results, *more], [*published, *kpis]
    if problems:
        names = ", ".join(published) or "none"
        raise StepError(replace(p, hint=f"{p.hint}; published: {names}") for p in problems)
    if len(work.step.inputs) == len(plan.step("publish").inputs):
        archive(work)  # else a KPI is held back, and needs the files again
    work.run.sweep(datetime.now(UTC) - timedelta(days=plan.environment.staging_days))
    return Outcome({"targets": len(published), "rows": rows}, tuple(results))


def _not_made_from(work: Work, kpis: Sequence[str], held: set[str]) -> None:
    """Refuse KPIs that are made from one which is held back.

    :raises StepError: one is.
    """
    for kpi in kpis:
        needed = {step.relation for step in work.plan.needed(work.plan.step(f"kpi.{kpi}"))}
        if parents := sorted(needed & held - {kpi}):
            names = ", ".join(f"'{parent}'" for parent in parents)
            raise StepError(f"it is made from {names}", hint="mend that first")


def _transactions(work: Work) -> list[list[str]]:
    """The KPIs of each transaction."""
    kpis = [relation for relation, _ in work.step.inputs]
    if work.plan.pipeline.publish == "each":
        return [[kpi] for kpi in kpis]
    by_connection: dict[str, list[str]] = {}
    for kpi in kpis:
        connection = work.plan.pipeline.kpis[kpi].target.connection
        by_connection.setdefault(connection, []).append(kpi)
    return [by_connection[connection] for connection in sorted(by_connection)]


def _published(
    work: Work, kpis: Sequence[str], entry: LedgerEntry
) -> tuple[int, list[CheckResult]]:
    """Publish KPIs of one connection in one transaction.

    :raises StepError: a step that one of them needs has not finished, or a target is refused.
    """
    steps = dict(work.step.inputs)
    if work.plan.pipeline.publish == "each":  # else no step is missing where this one runs
        for kpi in kpis:
            for step in work.plan.needed(work.plan.step(steps[kpi])):
                outcome_of(work, step.name)
    loads = [replace(load_of(work, kpi, steps[kpi]), told=told(work, kpi)) for kpi in kpis]
    attempt = partial(_transaction, work, kpis, loads, entry)
    return until_it_passes(work, attempt)


def _held_back(work: Work, kpis: Sequence[str], error: StepError) -> Iterable[Diagnostic]:
    for kpi in kpis:
        place = work.plan.step(f"kpi.{kpi}").place
        for said in error.diagnostics:
            message = f"'{kpi}' is held back: {said.message}"
            where = (said.path, said.line, said.column) if said.path else place
            yield Diagnostic(*where, said.code, message, said.hint)


def _transaction(
    work: Work, kpis: Sequence[str], loads: Sequence[Load], entry: LedgerEntry
) -> tuple[int, list[CheckResult]]:
    """Publish over a new connection.

    This is safe to repeat if the connection breaks, even if the transaction was committed before.

    :param kpis: the KPI of each load.
    :returns: how many rows were inserted, and a warning for each table that somebody else emptied,
        or that keeps rows of today as those of the past.
    """
    name = loads[0].target.connection
    with work.plan.workspace.warehouse(name) as warehouse:
        work.on_cancel(warehouse.cancel)
        lost = [
            CheckResult(EARLIER_ROWS, table, "warning", 0, 0, note)
            for table, note in lost_rows(warehouse, loads, entry)
        ]
        lost += rows_of_today(work, kpis, loads)
        pipeline = work.plan.pipeline
        some = pipeline.publish == "each" or len(work.step.inputs) < len(pipeline.kpis)
        done = warehouse.publish(loads, entry, list(read(work, name)), partial=some)
        return sum(done.rows), [*lost, *done.checks]


def source_counts(work: Work) -> Iterable[dict[str, Any]]:
    """Yield for every source how many rows were read, kept and quarantined.

    :raises StepError: the numbers do not add up, so rows were lost.
    """
    planned = {step.name for step in work.plan.steps}
    for name in work.plan.pipeline.sources:
        if f"extract.{name}" not in planned:
            continue
        each, here = work.plan.pipeline.publish == "each", work.run.step(f"extract.{name}")
        if each and here.outcome() is None:
            continue  # what needs it is held back
        extracted = outcome_of(work, f"extract.{name}")
        checked = work.run.step(f"check.{name}").outcome() or extracted
        read, kept = extracted.counts["read"], checked.kept
        quarantined = extracted.counts["rejected"] + checked.counts.get("quarantined", 0)
        if read != kept + quarantined:
            raise StepError(
                f"the rows of '{name}' do not add up: {read} read, {kept} kept, "
                f"{quarantined} quarantined; nothing was published"
            )
        fact = {"source": name, "read": read, "kept": kept, "quarantined": quarantined}
        yield fact | ({"since": extracted.since} if extracted.since else {})


def files_read(work: Work) -> Iterable[tuple[str, tuple[tuple[str, str], ...]]]:
    """Yield the files of every source that reads each file once."""
    for name, source in work.plan.pipeline.sources.items():
        if source.reads_once() and (outcome := work.run.step(f"extract.{name}").outcome()):
            yield name, outcome.sources


def check_results(work: Work) -> Iterable[CheckResult]:
    """Yield the results of all checks of the run."""
    for step in work.plan.steps:
        if outcome := work.run.step(step.name).outcome():
            yield from outcome.checks
