"""Delete outputs with values of persons from staging when they are as old as `retention` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from etl_framework.errors import RetryableError
from etl_framework.interval import Span
from etl_framework.plan.compile import compile_queries
from etl_framework.plan.personal import kinds_by_relation
from etl_framework.project.project import Project
from etl_framework.project.workspace import Workspace
from etl_framework.storage.decisions import corrections, withdraw
from etl_framework.storage.staging import RunFolder

STEPS = ("extract", "check", "transform", "kpi")


def expire(project: Project, workspace: Workspace, now: datetime) -> int:
    """Delete what is too old, of all pipelines; return how many outputs and corrections went.

    A data interval that is being run is left for the next time.

    :raises RetryableError: S3 does not answer.
    """
    gone = 0
    for pipeline, spans in _spans(project, workspace).items():
        for run in workspace.staging.runs(pipeline):
            try:
                with run.locked():
                    gone += sum(_expired(run, spans, now))
            except RetryableError:
                if not run.in_use():
                    raise
    return gone


def shortest(project: Project, workspace: Workspace) -> timedelta | None:
    """Return how long tables with values of persons stay in a cluster; None if nothing says it."""
    spans = [span for of in _spans(project, workspace).values() for span in of.values()]
    return min(spans, default=None)


def _spans(project: Project, workspace: Workspace) -> dict[str, dict[str, timedelta]]:
    """Return how long outputs of relations stay, by pipeline and relation."""
    retention: dict[str, Span] = {str(k): s for k, s in workspace.environment.retention.items()}
    spans: dict[str, dict[str, timedelta]] = {}
    for file in project.pipelines if retention else ():
        if file.model is None:
            continue
        compilation = compile_queries(project.root, file, file.model.some_interval())
        for relation, kinds in kinds_by_relation(file.model, compilation).items():
            named = [retention[kind] for kind in kinds if kind in retention]
            known = [timedelta(seconds=span.seconds) for span in named]
            if known:
                spans.setdefault(file.model.name, {})[relation] = min(known)
    return spans


def _expired(run: RunFolder, spans: Mapping[str, timedelta], now: datetime) -> Iterator[int]:
    """Delete what is too old in a data interval, and yield how much at each place."""
    steps = {f"{kind}.{relation}": relation for relation in spans for kind in STEPS}
    for name in run.steps():
        # earlier.daily_7d holds rows of the table of `daily`
        of = name.removeprefix("earlier.").rpartition("_")[0]
        relation = steps.get(name) or (of if name.startswith("earlier.") and of in spans else "")
        if not relation:
            continue
        written = run.step(name).written_at()
        if written and written < now - spans[relation]:
            run.step(name).delete()
            yield 1
    for relation, span in spans.items():
        written = run.step("decisions").written_at()
        made = corrections(run, relation) if written and written < now - span else {}
        if made:
            withdraw(run, relation, made.keys())
            yield len(made)
