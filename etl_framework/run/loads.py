"""What a run has made of a KPI, as the rows to load into its target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from etl_framework.checks.base import KeyCheck
from etl_framework.engines.work import Work
from etl_framework.errors import StepError
from etl_framework.project.models import Kpi
from etl_framework.storage.manifest import write_manifest
from etl_framework.storage.outcome import Outcome
from etl_framework.targets.load import Load
from etl_framework.targets.warehouses import warehouse_for


def load_of(work: Work, relation: str, step: str) -> Load:
    """The rows of a KPI that a run has made, to be loaded into its target.

    :param step: the step that gives the rows.
    :raises StepError: that step has not finished.
    """
    kpi = work.plan.pipeline.kpis[relation]
    outcome, made = outcome_of(work, step), work.plan.step(f"kpi.{relation}")
    load = Load(
        kpi.target,
        tuple(kpi.columns),
        (),
        outcome.kept,
        description=kpi.description,
        by_interval=work.plan.by_interval.get(relation),
        older=work.older,
        place=made.place,
        keys=tuple(_keys(kpi)),
        checks=made.of_target,
    )
    if outcome.table:
        return replace(load, staged=outcome.table)
    reads = warehouse_for(work.plan.workspace.connection(kpi.target.connection))
    if work.run.remote and reads and reads.reads_manifests:
        name = f"publish/{work.run_id}/{relation}.manifest"
        files = work.run.uris(work.files(step))
        return replace(load, manifest=write_manifest(work.run.remote, name, files))
    return replace(load, files=tuple(work.inputs[relation]))


def outcome_of(work: Work, step: str) -> Outcome:
    """Return the outcome of a step that this step needs.

    :raises StepError: that step has not finished.
    """
    outcome = work.run.step(step).outcome()
    if outcome is None:
        raise StepError(f"'{step}' has not finished", hint=f"run {step} before it")
    return outcome


def _keys(kpi: Kpi) -> Iterable[tuple[str, ...]]:
    """The keys that checks of a KPI name: they hold for its table, unless they say `on: rows`."""
    for check in kpi.checks:
        strict = isinstance(check, KeyCheck) and check.severity == "error" and not check.where
        if strict and not {"on", "warn_if", "error_if"} & check.model_fields_set:
            yield tuple(check.checked_columns())
