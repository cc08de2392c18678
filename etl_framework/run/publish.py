"""`publish`: load all KPIs of a run into their targets and write the ledger, in transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

from etl_framework.connections.files import Files
from etl_framework.engines.work import Work
from etl_framework.errors import StepError
from etl_framework.project.models import Kpi
from etl_framework.run.retry import until_it_passes
from etl_framework.sources.files import FilesSource
from etl_framework.storage.archive import remember
from etl_framework.storage.manifest import write_manifest
from etl_framework.storage.outcome import CheckResult, Outcome
from etl_framework.targets.base import warehouse_for
from etl_framework.targets.ledger import LedgerEntry
from etl_framework.targets.load import Load


def publish(work: Work) -> Outcome:
    """Load every KPI into its target.

    There is one transaction for every connection: it changes all targets there and the ledger row.

    :raises StepError: the rows of a source do not add up, or a target has other columns.
    """
    plan = work.plan
    entry = LedgerEntry(
        pipeline=plan.pipeline.name,
        interval=plan.interval,
        run_id=work.run_id,
        environment=plan.environment_name,
        published_at=datetime.now(UTC),
        sources=tuple(source_counts(work)),
        checks=tuple(_without_rows(result) for result in check_results(work)),
        targets=(),
    )
    loads: dict[str, list[Load]] = {}
    for relation, step in work.step.inputs:
        kpi = plan.pipeline.kpis[relation]
        loads.setdefault(kpi.target.connection, []).append(_load(work, relation, step, kpi))
    rows = 0
    for name, connection_loads in sorted(loads.items()):
        until_it_passes(work, partial(_transaction, work, name, connection_loads, entry))
        rows += sum(load.rows for load in connection_loads)
    archive(work)
    work.run.sweep(datetime.now(UTC) - timedelta(days=plan.environment.staging_days))
    return Outcome({"targets": sum(map(len, loads.values())), "rows": rows})


def _transaction(work: Work, name: str, loads: Sequence[Load], entry: LedgerEntry) -> None:
    """Publish over a new connection.

    This is safe to repeat if the connection breaks, even if the transaction was committed before.
    """
    with work.plan.workspace.warehouse(name) as warehouse:
        work.on_cancel(warehouse.cancel)
        warehouse.publish(loads, entry)


def _load(work: Work, relation: str, step: str, kpi: Kpi) -> Load:
    outcome = _outcome(work, step)
    load = Load(kpi.target, tuple(kpi.columns), (), outcome.kept, description=kpi.description)
    if outcome.table:
        return replace(load, staged=outcome.table)
    reads = warehouse_for(work.plan.workspace.connection(kpi.target.connection))
    if work.run.remote and reads and reads.reads_manifests:
        name = f"publish/{work.run_id}/{relation}.manifest"
        files = work.run.uris(work.files(step))
        return replace(load, manifest=write_manifest(work.run.remote, name, files))
    return replace(load, files=tuple(work.inputs[relation]))


def _outcome(work: Work, step: str) -> Outcome:
    """Return the outcome of a step that this step needs.

    :raises StepError: that step has not finished.
    """
    outcome = work.run.step(step).outcome()
    if outcome is None:
        raise StepError(f"'{step}' has not finished", hint=f"run {step} before it")
    return outcome


def source_counts(work: Work) -> Iterable[dict[str, Any]]:
    """Yield for every source how many rows were read, kept and quarantined.

    :raises StepError: the numbers do not add up, so rows were lost.
    """
    for name in work.plan.pipeline.sources:
        extracted = _outcome(work, f"extract.{name}")
        checked = work.run.step(f"check.{name}").outcome() or extracted
        read, kept = extracted.counts["read"], checked.kept
        quarantined = extracted.counts["rejected"] + checked.counts.get("quarantined", 0)
        if read != kept + quarantined:
            raise StepError(
                f"the rows of '{name}' do not add up: {read} read, {kept} kept, "
                f"{quarantined} quarantined; nothing was published"
            )
        yield {"source": name, "read": read, "kept": kept, "quarantined": quarantined}


def _without_rows(result: CheckResult) -> dict[str, Any]:
    """Return a result as the ledger stores it: with its rate, without example rows."""
    facts = {**asdict(result), "rate": round(result.rate, 6)}
    return {name: value for name, value in facts.items() if name != "examples"}


def check_results(work: Work) -> Iterable[CheckResult]:
    """Yield the results of all checks of the run."""
    for step in work.plan.steps:
        if outcome := work.run.step(step.name).outcome():
            yield from outcome.checks


def archive(work: Work) -> int:
    """Move the files of every source that has an archive, and return their number.

    Only those that this run's extract step read are moved, in the version that it read. They are
    listed in staging before: a later run of the same interval finds them in the archive then, even
    if this run breaks off.

    :raises RetryableError: the storage does not answer; another attempt continues the move.
    """
    plan, count = work.plan, 0
    for name, source in plan.pipeline.sources.items():
        if not isinstance(source, FilesSource) or not source.archive:
            continue
        outcome = work.run.step(f"extract.{name}").outcome()
        known = remember(work.run, name, outcome.sources if outcome else ())
        place = cast(Files, plan.workspace.connection(source.connection))
        moves = [(file, version, f"{source.archive}{file}") for file, version in known]
        place.move(plan.root, moves)
        count += len(known)
    return count
