"""Relations made anew from the sources that the latest run left in staging; nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from etl_framework.config.models import Pipeline, Transform
from etl_framework.config.project import Project
from etl_framework.engines.duckdb import DuckDBEngine
from etl_framework.errors import DataMissingError, StepError
from etl_framework.interval import DataInterval
from etl_framework.plan import Plan
from etl_framework.sql.quote import quote
from etl_framework.steps.transform import contracted
from etl_framework.storage.parquet import see
from etl_framework.storage.spill import spill_folder
from etl_framework.storage.staging import RunFolder, Staging

if TYPE_CHECKING:
    import duckdb


@dataclass
class Trial:
    """A session in which relations are made when they are asked for.

    :param interval: the data interval of the run whose sources are read.
    """

    session: duckdb.DuckDBPyConnection
    run: RunFolder
    interval: DataInterval
    _made: set[tuple[str, str]] = field(default_factory=set)

    def make(self, plan: Plan, name: str, prefix: str = "") -> str:
        """Make a relation and those that it reads, by a plan's SQL; returns what SQL calls it.

        :param prefix: keeps the relations of two plans apart.
        :raises DataMissingError: a source is not in staging.
        :raises StepError: the SQL does not run.
        """
        import duckdb

        called = f"{prefix}{name}"
        if (prefix, name) in self._made:
            return called
        self._made.add((prefix, name))
        step = next(each for each in plan.steps if each.relation == name and each.kind != "check")
        if step.kind == "extract" or (isinstance(step.block, Transform) and step.block.python):
            see(self.session, called, _files(self.run, name, plan.pipeline.name))
            return called
        for need, _ in step.inputs:
            self.make(plan, need, prefix)
        sql = contracted(name, step.sql, step.block.columns if step.block else ())
        if prefix and step.inputs:  # the SQL names relations without it
            named = ", ".join(
                f"{quote(need)} AS (SELECT * FROM {quote(prefix + need)})"
                for need, _ in step.inputs
            )
            sql = f"WITH {named} SELECT * FROM ({sql})"
        kind = "TABLE" if step.kind == "kpi" else "VIEW"
        try:
            self.session.execute(f"CREATE TEMP {kind} {quote(called)} AS {sql}")
        except duckdb.Error as error:
            text = str(error).split("\n")[0]
            raise StepError(f"{name}: {text.partition('etl: ')[2] or text}") from error
        return called


@contextmanager
def trial(
    project: Project, environment: str | None, pipeline: Pipeline, on: date | None = None
) -> Iterator[Trial]:
    """A session over the sources of the latest run, or of the one that began on a day.

    :raises DataMissingError: there was none.
    """
    chosen = project.environment(environment)
    chosen.load_variables(project.root)
    staging = chosen.open_staging(project.root)
    run, interval = _run(staging, pipeline, on)
    with (
        spill_folder(staging.path / ".trying") as spill,
        closing(DuckDBEngine(chosen.memory_limit, chosen.threads, spill, pipeline.timezone)) as db,
        closing(db.session()) as session,
    ):
        yield Trial(session, run, interval)


def rows_of(
    tried: Trial, plan: Plan, name: str, limit: int
) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """The columns and the first rows of a relation.

    :param limit: 0 for all.
    """
    called = tried.make(plan, name)
    at_most = f" LIMIT {limit}" if limit else ""
    found = tried.session.execute(f"SELECT * FROM {quote(called)} ORDER BY ALL{at_most}")
    return [column[0] for column in found.description or ()], found.fetchall()


def _run(staging: Staging, pipeline: Pipeline, on: date | None) -> tuple[RunFolder, DataInterval]:
    zone = ZoneInfo(pipeline.timezone)
    for run in reversed(staging.runs(pipeline.name)):
        interval = DataInterval.of_key(run.path.name, zone)
        if on is None or interval.start.date() == on:
            return run, interval
    when = f" of {on}" if on else ""
    more = f" --date {on}" if on else ""
    raise DataMissingError(
        f"no run of '{pipeline.name}'{when} is in staging",
        hint=f"run it first: etl run {pipeline.name}{more}",
    )


def _files(run: RunFolder, relation: str, pipeline: str) -> list[str]:
    """The relation's files, as its checks left them."""
    for kind in ("check", "extract", "transform"):
        result = run.step(f"{kind}.{relation}").result()
        if result and result.get("files"):
            return run.fetch(result["files"])
    raise DataMissingError(
        f"nothing of '{relation}' is in staging", hint=f"run it first: etl run {pipeline}"
    )
