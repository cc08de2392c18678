"""Relations made anew from what was read last, or from the sources themselves; nothing is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from etl_framework.checks.base import RowCheck
from etl_framework.config.models import Pipeline, Transform
from etl_framework.config.project import Project
from etl_framework.engines.duckdb.scan import predicate
from etl_framework.engines.duckdb.session import Database
from etl_framework.engines.duckdb.transform import contracted, tables
from etl_framework.errors import ConfigError, StepError, did_you_mean
from etl_framework.fixtures import as_select
from etl_framework.interval import DataInterval
from etl_framework.plan import Plan, Step, build_plan
from etl_framework.run.definition import definition, needed
from etl_framework.run.run import Run
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import as_path
from etl_framework.storage.spill import spill_folder
from etl_framework.storage.staging import RunFolder

if TYPE_CHECKING:
    import duckdb

FOLDER = ".etl/trying"
NOW, BASE = "now", "base"


def called(name: str, side: str = NOW) -> str:
    """What SQL of a trial calls a relation."""
    return f"{quote(side)}.{quote(name)}"


@dataclass
class Trial:
    """A session in which relations are made when they are asked for.

    The files as they are, and those of an earlier revision, each have a schema of their own.

    :param run: what the latest run left in staging, if there was one.
    :param examples: sources are the rows that tests give, and nothing is read.
    :param read: the sources that were read, as no run had left them.
    """

    project: Project
    environment: str | None
    pipeline: Pipeline
    session: duckdb.DuckDBPyConnection
    run: RunFolder | None
    interval: DataInterval
    examples: bool = False
    read: list[str] = field(default_factory=list)
    _made: set[tuple[str, str]] = field(default_factory=set)

    def plan(self, project: Project, pipeline: str) -> Plan:
        """The plan of the project, or of an earlier revision of it, over the same data.

        :raises EtlError: its files are wrong.
        """
        files = replace(project, environments=self.project.environments)
        return build_plan(files, pipeline, self.environment, self.interval)

    def make(self, plan: Plan, name: str, side: str = NOW) -> None:
        """Make a relation and those that it reads, by a plan's SQL.

        :raises DataMissingError: a source has no data.
        :raises StepError: the SQL does not run, or a source does not keep its rules.
        """
        if (side, name) in self._made:
            return
        self._made.add((side, name))
        step = _making(plan, name)
        taken_out = list(_taken_out(plan, name)) if step.kind == "transform" else []
        reads = [need for need, _ in step.inputs] + [need for _, need in taken_out if need]
        for need in dict.fromkeys(reads):
            self.make(plan, need, side)
        self.session.execute(f"SET schema = {quote(side)}")
        block = step.block
        kind = "TABLE" if step.kind == "kpi" else "VIEW"
        if step.kind == "extract":
            sql = self._source(plan, step, side)
        elif isinstance(block, Transform) and block.python:
            import pyarrow as pa

            made = pa.concat_tables(tables(plan.root, self.session, block))
            self.session.register("etl_returned", made)
            sql, kind = "SELECT * FROM etl_returned", "TABLE"
        else:
            sql = contracted(name, step.sql, block.columns if block else ())
        if taken_out:
            rules = " AND ".join(f"({rule}) IS NOT TRUE" for rule, _ in taken_out)
            sql = f"SELECT * FROM ({sql}) WHERE {rules}"
        self._execute(f"CREATE {kind} {called(name, side)} AS {sql}", name, side)

    def _execute(self, sql: str, name: str, side: str) -> None:
        import duckdb

        try:
            self.session.execute(sql)
        except duckdb.Error as error:
            text = str(error).split("\n")[0]
            where = " at the base" if side == BASE else ""
            raise StepError(f"{name}{where}: {text.partition('etl: ')[2] or text}") from error

    def _source(self, plan: Plan, step: Step, side: str) -> str:
        name = step.relation
        if self.examples:
            rows = [
                row
                for query in self.pipeline.queries().values()
                for test in query.tests
                for row in test.given.get(name, ())
            ]
            return as_select(dict(plan.shapes.get(name) or ()), rows)
        files = ", ".join(as_path(file) for file in self._files(plan, name, side))
        return f"SELECT * FROM read_parquet([{files}])"

    def _files(self, plan: Plan, name: str, side: str) -> list[str]:
        """The source's files, as its checks leave them: those of the run if it would not differ."""
        last = [step for step in plan.steps if step.relation == name][-1]
        steps = list(needed(plan, last))
        if self.run and all(_as_it_was(self.run, plan, step) for step in steps):
            return _files_of(self.run, last)
        run = self._reading(plan, NOW)
        if side == BASE and not all(_as_it_was(run.folder, plan, step) for step in steps):
            run = self._reading(plan, BASE)
        _only(run)
        with run.folder.locked():
            for step in steps:
                if run.one_step(step.name).state == "done" and step.kind == "extract":
                    self.read.append(step.relation)
        return _files_of(run.folder, last)

    def _reading(self, plan: Plan, side: str) -> Run:
        """A run that leaves what it reads in a folder of this machine, one for each side."""
        staging = {"staging": f"{FOLDER}/{side}", "staging_connection": None}
        environment = plan.environment.model_copy(update=staging)
        return Run(replace(plan, root=self.project.root, environment=environment))


@contextmanager
def trial(
    project: Project,
    environment: str | None,
    pipeline: Pipeline,
    on: date | None = None,
    *,
    examples: bool = False,
) -> Iterator[Trial]:
    """A session over the sources of the latest run, or of the one that began on a day.

    :raises ConfigError: no data interval starts on the day.
    """
    chosen = project.environment(environment)
    run, interval = (None, None) if examples else _run(project, environment, pipeline, on)
    here = _here(project, environment)
    with (
        spill_folder(project.root / FOLDER / ".spill") as spill,
        closing(Database(chosen.memory_limit, chosen.threads, spill, pipeline.timezone)) as db,
        closing(db.session()) as session,
    ):
        session.execute(f"CREATE SCHEMA {NOW}; CREATE SCHEMA {BASE}")
        interval = interval or _interval(pipeline, on)
        yield Trial(here, environment, pipeline, session, run, interval, examples)


def rows_of(
    tried: Trial, plan: Plan, name: str, limit: int, order_by: str | None = None
) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """The columns and the first rows of a relation.

    :param limit: 0 for all.
    :param order_by: a column, with `-` before it for largest first; all columns if not given.
    :raises ConfigError: there is no such column.
    """
    tried.make(plan, name)
    columns = [column for column, _ in plan.shapes.get(name) or ()]
    key = (order_by or "").removeprefix("-")
    if key and key not in columns:
        raise ConfigError(f"there is no column '{key}'", hint=did_you_mean(key, columns))
    first = f"{quote(key)}{' DESC' if str(order_by).startswith('-') else ''}, " if key else ""
    every = ", ".join(map(quote, columns)) or "ALL"
    at_most = f" LIMIT {limit}" if limit else ""
    found = tried.session.execute(f"SELECT * FROM {called(name)} ORDER BY {first}{every}{at_most}")
    return [column[0] for column in found.description or ()], found.fetchall()


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
    found = pipeline.cut().between(on, on)
    if not found:
        raise ConfigError(f"no data interval of '{pipeline.schedule}' starts on {on}")
    return found[0]


def _here(project: Project, environment: str | None) -> Project:
    """The project with the environment computing here, wherever it does otherwise."""
    known = project.environments
    if known is None:
        return project
    name = project.environment_name(environment)
    changed = known.environments[name].model_copy(update={"engine": "duckdb"})
    environments = {**known.environments, name: changed}
    return replace(project, environments=known.model_copy(update={"environments": environments}))


def _making(plan: Plan, name: str) -> Step:
    return next(step for step in plan.steps if step.relation == name and step.kind != "check")


def _taken_out(plan: Plan, name: str) -> Iterator[tuple[str, str]]:
    """What is true for rows that a relation's checks take out, and the relation that it reads."""
    for step in plan.steps:
        for found in step.checks if step.name == f"check.{name}" else ():
            if isinstance(found, RowCheck) and found.on_fail == "quarantine":
                yield predicate(found), (found.parent() or ("",))[0]


def _as_it_was(run: RunFolder, plan: Plan, step: Step) -> bool:
    """Whether a run left what the step, as it is now, would leave of the same rows."""
    outcome = run.step(step.name).outcome()
    return outcome is not None and outcome.definition == definition(plan, step)


def _files_of(run: RunFolder, step: Step) -> list[str]:
    outcome = run.step(step.name).outcome()
    return run.fetch(outcome.files) if outcome else []


def _only(run: Run) -> None:
    """Keep what was read for one data interval, the one that is looked at."""
    for other in run.plan.workspace.staging.runs(run.plan.pipeline.name):
        if other.path != run.folder.path:
            shutil.rmtree(other.path, ignore_errors=True)
