"""Where the rows of a sandbox come from: the latest run, the sources themselves, or examples."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.plan.fixtures import as_select
from etl_framework.plan.plan import Plan, build_plan
from etl_framework.plan.reads import EARLIER
from etl_framework.plan.step import Step
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.run.execute import definition
from etl_framework.run.run import Run
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import as_path
from etl_framework.storage.spill import beside, spill_folder
from etl_framework.storage.staging import RunFolder
from etl_framework.workbench.sandbox import Sandbox, planned_definitions

if TYPE_CHECKING:
    import duckdb

FOLDER = ".etl/trying"
EMBEDDED = "duckdb"
# The project's files as they are, and as they were in an earlier revision. Each side makes its
# relations in a schema of its own.
NOW, BASE = "now", "base"


@dataclass
class Inputs:
    """The rows of a pipeline's sources for one data interval, in a session for sandboxes.

    :param project: the project, with an environment that computes on this machine.
    :param run: the folder that the latest run left in staging, if there was a run.
    :param examples: take the example rows of the tests; read no source.
    :param read: the sources that had to be read, because no run had left their rows.
    """

    project: Project
    environment: str | None
    pipeline: Pipeline
    session: duckdb.DuckDBPyConnection
    run: RunFolder | None
    interval: DataInterval
    examples: bool = False
    read: list[str] = field(default_factory=list)

    def plan(self, project: Project, pipeline: str) -> Plan:
        """Return the plan of the project, or of an earlier revision of it, for the same data.

        :raises EtlError: the project's files have errors.
        """
        files = replace(project, environments=self.project.environments)
        return build_plan(files, pipeline, self.environment, self.interval)

    def sandbox(self, plan: Plan, side: str = NOW, *, tables: bool = False) -> Sandbox:
        """Return a sandbox that runs the SQL of a plan on these rows.

        :param tables: make a table of every relation, so that each row keeps its `rowid`.
        """
        rows = partial(self._rows, plan, side)
        note = " at the base" if side == BASE else ""
        definitions = planned_definitions(plan)
        return Sandbox(self.session, definitions, rows, plan.root, side, note, tables=tables)

    def _rows(self, plan: Plan, side: str, name: str) -> str | None:
        earlier = name.startswith(EARLIER)
        if name not in plan.pipeline.sources and not earlier:
            return None
        if self.examples and earlier:
            return as_select(dict(plan.given_by(plan.step(name)) or ()), [])
        if self.examples:
            rows = [
                row
                for query in self.pipeline.queries().values()
                for test in query.tests
                for row in test.given.get(name, ())
            ]
            return as_select(dict(plan.shapes.get(name) or ()), rows)
        last = [step for step in plan.steps if name in (step.name, step.relation)][-1]
        files = files_of(self.folder(plan, name, side), last)
        return f"SELECT * FROM read_parquet([{', '.join(map(as_path, files))}])"

    def folder(self, plan: Plan, name: str, side: str = NOW) -> RunFolder:
        """The folder with the rows of a source after its checks, or of other data intervals.

        It is that of the latest run if its steps are defined as they are now. Otherwise the source
        is read and checked again on this machine.
        """
        last = [step for step in plan.steps if name in (step.name, step.relation)][-1]
        steps = plan.needed(last)
        if self.run and all(_as_it_was(self.run, plan, step) for step in steps):
            return self.run
        run = self._reading(plan, NOW)
        if side == BASE and not all(_as_it_was(run.folder, plan, step) for step in steps):
            run = self._reading(plan, BASE)
        _only(run)
        with run.folder.locked():
            for step in steps:
                if run.one_step(step.name).state == "done" and step.kind == "extract":
                    self.read.append(step.relation)
        return run.folder

    def _reading(self, plan: Plan, side: str) -> Run:
        """Return a run that keeps what it reads on this machine, in a folder for every side."""
        staging = {"staging": f"{FOLDER}/{side}", "staging_connection": None}
        environment = plan.environment.model_copy(update=staging)
        plan = replace(plan, root=self.project.root, environment=environment)
        return Run(plan, recorded=False)


@contextmanager
def open_inputs(
    project: Project,
    environment: str | None,
    pipeline: Pipeline,
    on: date | None = None,
    *,
    examples: bool = False,
) -> Iterator[Inputs]:
    """Open the rows of the latest run's sources.

    :param on: take the run whose data interval starts on this day instead.
    :param examples: take the example rows of the tests instead.
    :raises ConfigError: no data interval starts on the day.
    """
    project = project.at(environment)
    workspace = project.workspace(environment)
    limits = workspace.environment.memory_limit, workspace.environment.threads
    run, interval = (None, None) if examples else _run(project, environment, pipeline, on)
    here = embedded(project, environment)
    made = project.root / FOLDER
    folders = [made] if examples else [made, *workspace.folders(pipeline)]
    with (
        spill_folder(beside(project.root / FOLDER)) as spill,
        closing(Database(*limits, spill, pipeline.timezone, folders)) as db,
        closing(db.session()) as session,
    ):
        session.execute(f"CREATE SCHEMA {NOW}; CREATE SCHEMA {BASE}")
        interval = interval or _interval(pipeline, on)
        yield Inputs(here, environment, pipeline, session, run, interval, examples)


def rows_of(
    inputs: Inputs, plan: Plan, name: str, limit: int, order_by: str | None = None
) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """Return the columns and the first rows of a relation.

    :param limit: the highest number of rows; 0 for all rows.
    :param order_by: a column to sort by, with `-` before it for largest first; None sorts by all
        columns.
    :raises ConfigError: there is no such column.
    """
    sandbox = inputs.sandbox(plan)
    sandbox.make(name)
    columns = [column for column, _ in plan.shapes.get(name) or ()]
    key = (order_by or "").removeprefix("-")
    if key and key not in columns:
        raise ConfigError(f"there is no column '{key}'", hint=did_you_mean(key, columns))
    first = f"{quote(key)}{' DESC' if str(order_by).startswith('-') else ''}, " if key else ""
    every = ", ".join(map(quote, columns)) or "ALL"
    at_most = f" LIMIT {limit}" if limit else ""
    selected = f"SELECT * FROM {sandbox.table(name)} ORDER BY {first}{every}{at_most}"
    rows = inputs.session.execute(selected)
    return [column[0] for column in rows.description or ()], rows.fetchall()


def _run(
    project: Project, environment: str | None, pipeline: Pipeline, on: date | None
) -> tuple[RunFolder | None, DataInterval | None]:
    staging = project.workspace(environment).staging
    for run in reversed(staging.runs(pipeline.name)):
        interval = DataInterval.of_key(run.path.name, ZoneInfo(pipeline.timezone))
        if on is None or interval.start.date() == on:
            return run, interval
    return None, None


def _interval(pipeline: Pipeline, on: date | None) -> DataInterval:
    if on is None:
        return pipeline.cut().latest(datetime.now(UTC))
    intervals = pipeline.cut().between(on, on)
    if not intervals:
        raise ConfigError(f"no data interval of '{pipeline.schedule}' starts on {on}")
    return intervals[0]


def embedded(project: Project, environment: str | None) -> Project:
    """Return the project with an environment that computes on this machine, with DuckDB."""
    known = project.environments
    if known is None:
        return project
    name = project.environment_name(environment)
    changed = known.environments[name].model_copy(update={"engine": EMBEDDED})
    environments = {**known.environments, name: changed}
    return replace(project, environments=known.model_copy(update={"environments": environments}))


def _as_it_was(run: RunFolder, plan: Plan, step: Step) -> bool:
    """Return whether a run finished the step as it is defined now, and its output is whole."""
    folder = run.step(step.name)
    outcome = folder.outcome()
    same = outcome is not None and outcome.definition == definition(plan, step)
    return same and not folder.broken()


def files_of(run: RunFolder, step: Step) -> list[str]:
    """The Parquet files that a run's step has made, on this machine."""
    outcome = run.step(step.name).outcome()
    return run.fetch(outcome.files) if outcome else []


def _only(run: Run) -> None:
    """Delete what was read for other data intervals than this one."""
    for other in run.plan.workspace.staging.runs(run.plan.pipeline.name):
        if other.path != run.folder.path:
            shutil.rmtree(other.path, ignore_errors=True)
