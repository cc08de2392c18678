"""Suggest checks that a relation passes now, to paste into its file and edit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import DataMissingError
from etl_framework.interval import DataInterval
from etl_framework.project.project import Project
from etl_framework.project.relation import Relation, relations_of
from etl_framework.storage.parquet import as_path
from etl_framework.storage.spill import beside, spill_folder
from etl_framework.storage.staging import RunFolder, Staging
from etl_framework.workbench.sandbox import Sandbox
from etl_framework.workbench.suggestions import Look, Suggestion


@dataclass(frozen=True)
class Suggestions:
    """The checks that suit a relation.

    :param rows: how many rows it had in its latest run.
    """

    relation: str
    interval: DataInterval
    rows: int
    checks: Sequence[Suggestion]


def suggest(project: Project, environment: str | None, name: str) -> Suggestions:
    """Suggest checks for a relation, from the rows that its latest run left in staging.

    :param name: the relation; `pipeline.relation` if several pipelines have one of this name.
    :raises ConfigError: there is no such relation.
    :raises DataMissingError: staging has no rows of it.
    """
    relation = project.find(name)
    pipeline = relation.pipeline
    workspace = project.workspace(environment)
    limits = workspace.environment.memory_limit, workspace.environment.threads
    staging = workspace.staging
    run = _latest(staging, relation)
    with (
        spill_folder(beside(staging.path) / "suggesting") as spill,
        closing(Database(*limits, spill, pipeline.timezone, workspace.folders(pipeline))) as db,
    ):
        session = db.session()
        interval = DataInterval.of_key(run.path.name, ZoneInfo(pipeline.timezone))
        sandbox = Sandbox(session, {}, partial(_staged, run, relation), project.root)
        for other in relations_of(pipeline, relation.file):
            if files_of(run, other):
                sandbox.make(other.name)
        look = Look(session, relation, interval)
        checks = look.new_ones() if look.rows else []
        return Suggestions(relation.name, interval, look.rows, checks)


def _latest(staging: Staging, relation: Relation) -> RunFolder:
    name = relation.pipeline.name
    for run in reversed(staging.runs(name)):
        if files_of(run, relation):
            return run
    raise DataMissingError(
        f"nothing of '{relation.name}' is in staging", hint=f"run it first: etl run {name}"
    )


def files_of(run: RunFolder, relation: Relation) -> list[str]:
    """The files of a relation before its checks took rows out."""
    outcome = run.step(relation.step).outcome()
    return run.fetch(outcome.files) if outcome else []


def _staged(run: RunFolder, beside: Relation, name: str) -> str | None:
    """Return SQL for a relation of the same pipeline as a run left it; None if it left none."""
    known = {other.name: other for other in relations_of(beside.pipeline, beside.file)}
    files = ", ".join(as_path(file) for file in files_of(run, known[name]))
    return f"SELECT * FROM read_parquet([{files}])" if files else None
