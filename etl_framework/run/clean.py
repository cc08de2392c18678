"""Delete old data that runs left behind in S3 and in the cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from etl_framework.engines.base import engine_of
from etl_framework.errors import DataMissingError
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.project.workspace import Workspace
from etl_framework.run.history import forget
from etl_framework.run.retention import expire, shortest
from etl_framework.targets import history


@dataclass(frozen=True)
class Cleaned:
    """How many objects in S3, tables in the cluster and records of runs were deleted.

    :param expired: outputs of steps, and corrections, that `retention` let go.
    """

    objects: int
    tables: int
    records: int
    expired: int = 0


def clean(project: Project, environment: str | None, days: int | None = None) -> Cleaned:
    """Delete what runs of all pipelines left behind in an environment.

    Finished outputs, rejected rows and decisions are kept, unless `retention` says how long values
    of persons stay; records of runs are kept for `history_days`.

    :param days: the lowest age of what is deleted; the environment's `staging_days` if None.
    :raises RetryableError: S3 or the cluster does not answer.
    """
    workspace = project.workspace(environment)
    staging, chosen = workspace.staging, workspace.environment
    now = datetime.now(UTC)
    before = now - timedelta(days=chosen.staging_days if days is None else days)
    objects = sum(run.sweep(before) for model in project.models for run in staging.runs(model.name))
    forgotten = now - timedelta(days=chosen.history_days)
    records = sum(forget(staging, model.name, forgotten) for model in project.models)
    _forget_copies(workspace, project.models, forgotten)
    expired = expire(project, workspace, now)
    if stays := shortest(project, workspace):
        before = max(before, now - stays)
    tables = engine_of(chosen).clean(workspace, before)
    return Cleaned(objects, tables, records, expired)


def _forget_copies(workspace: Workspace, models: Iterable[Pipeline], before: datetime) -> None:
    """Delete the rows about old runs in the warehouses."""
    loading: dict[str, list[str]] = defaultdict(list)
    for model in models:
        for connection in model.target_connections():
            loading[connection].append(model.name)
    for connection, pipelines in sorted(loading.items()):
        with suppress(DataMissingError), workspace.warehouse(connection) as warehouse:
            history.forget(warehouse, pipelines, before)
