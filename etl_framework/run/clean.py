"""What runs left behind in S3 and in the cluster, deleted when it is old enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from etl_framework.engines.base import engine_of
from etl_framework.project.project import Project


@dataclass(frozen=True)
class Cleaned:
    """How many objects of S3 and tables of the cluster were deleted."""

    objects: int
    tables: int


def clean(project: Project, environment: str | None, days: int | None = None) -> Cleaned:
    """Delete leftovers of every pipeline's runs in an environment.

    Finished outputs, rejected rows and decisions stay.

    :param days: how old they are at least; the environment's `staging_days` if None.
    :raises RetryableError: S3 or the cluster does not answer.
    """
    workspace = project.workspace(environment)
    staging, chosen = workspace.staging, workspace.environment
    before = datetime.now(UTC) - timedelta(days=chosen.staging_days if days is None else days)
    objects = sum(run.sweep(before) for model in project.models for run in staging.runs(model.name))
    return Cleaned(objects, engine_of(chosen).clean(workspace, before))
