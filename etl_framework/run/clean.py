"""Delete old data that runs left behind in S3 and in the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from etl_framework.engines.base import engine_of
from etl_framework.project.project import Project


@dataclass(frozen=True)
class Cleaned:
    """How many objects in S3 and tables in the cluster were deleted."""

    objects: int
    tables: int


def clean(project: Project, environment: str | None, days: int | None = None) -> Cleaned:
    """Delete what runs of all pipelines left behind in an environment.

    Finished outputs, rejected rows and decisions are kept.

    :param days: the lowest age of what is deleted; the environment's `staging_days` if None.
    :raises RetryableError: S3 or the cluster does not answer.
    """
    workspace = project.workspace(environment)
    staging, chosen = workspace.staging, workspace.environment
    before = datetime.now(UTC) - timedelta(days=chosen.staging_days if days is None else days)
    objects = sum(run.sweep(before) for model in project.models for run in staging.runs(model.name))
    return Cleaned(objects, engine_of(chosen).clean(workspace, before))
