"""Try checks over time on the runs so far: how often would each have spoken?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo

from etl_framework.checks.anomaly import Anomaly
from etl_framework.checks.base import NUMBERS, Context
from etl_framework.checks.over_time import COUNTED, Measure
from etl_framework.columns import ColumnType
from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import DataMissingError
from etl_framework.interval import DataInterval
from etl_framework.project.project import Project
from etl_framework.project.relation import Relation
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import see
from etl_framework.storage.spill import beside, spill_folder
from etl_framework.storage.staging import RunFolder
from etl_framework.workbench.suggest import files_of

if TYPE_CHECKING:
    import duckdb

# How many data intervals are looked at, the latest ones.
INTERVALS = 180
# A rule that would have spoken more often than this says too much to be believed.
OFTEN = 0.1


@dataclass(frozen=True)
class Tried:
    """A rule, and the data intervals of which it would have spoken.

    :param check: its keys and values in a pipeline's file.
    :param judged: how many data intervals it had enough of a past for.
    """

    check: dict[str, Any]
    judged: int
    spoke: Sequence[DataInterval]

    @property
    def share(self) -> float:
        """Of how many of them it would have spoken."""
        return len(self.spoke) / self.judged

    @property
    def often(self) -> bool:
        """Whether it would have spoken too often."""
        return self.share > OFTEN


@dataclass(frozen=True)
class Backtest:
    """What was tried on the runs of a relation."""

    relation: str
    intervals: Sequence[DataInterval]
    rules: Sequence[Tried]


def backtest(project: Project, environment: str | None, name: str) -> Backtest:
    """Try anomalies of every number of a relation on what its runs have left in staging.

    :raises ConfigError: there is no such relation.
    :raises DataMissingError: fewer runs are in staging than a rule needs to judge by.
    """
    relation = project.find(name)
    pipeline, workspace = relation.pipeline, project.workspace(environment)
    limits = workspace.environment.memory_limit, workspace.environment.threads
    zone = ZoneInfo(pipeline.timezone)
    runs = {
        DataInterval.of_key(run.path.name, zone): run
        for run in workspace.staging.runs(pipeline.name)
        if files_of(run, relation)
    }
    newest = sorted(runs, key=lambda interval: interval.start)[-INTERVALS:]
    least = Anomaly(type="anomaly").warm_up + 1
    if len(newest) < least:
        told = f"{len(newest)} data intervals of '{relation.name}' are in staging"
        raise DataMissingError(told, hint=f"{least} are needed to judge one by those before")
    with (
        spill_folder(beside(workspace.staging.path) / "backtest") as spill,
        closing(Database(*limits, spill, pipeline.timezone, workspace.folders(pipeline))) as db,
    ):
        session = db.session()
        rules = list(_rules(relation, _columns(session, runs[newest[-1]], relation)))
        measured = [_measured(session, runs[at], relation, rules) for at in newest]
    return Backtest(relation.name, newest, list(_tried(rules, newest, measured)))


def _columns(
    session: duckdb.DuckDBPyConnection, run: RunFolder, relation: Relation
) -> dict[str, str]:
    """The columns of a relation with their types."""
    see(session, relation.name, files_of(run, relation))
    hidden = relation.pipeline.sensitive()
    described = session.execute(f"DESCRIBE {quote(relation.name)}").fetchall()
    return {str(row[0]): str(row[1]) for row in described if str(row[0]).lower() not in hidden}


def _rules(relation: Relation, columns: dict[str, str]) -> Iterator[Anomaly]:
    """An anomaly of each number that the relation has, with and without a season."""
    keys = {column.name for column in relation.block.columns if column.primary_key}
    for season in ("none", "week"):
        for of in get_args(Measure):
            if of in ("row_count", *(COUNTED if relation.kind == "source" else ())):
                yield Anomaly(type="anomaly", of=of, season=season)
            elif of not in COUNTED:
                for column, type_ in columns.items():
                    known = ColumnType.of_duckdb(type_)
                    number = known is not None and known.family in NUMBERS and column not in keys
                    if number or of in ("null_rate", "distinct_count"):
                        yield Anomaly(type="anomaly", of=of, column=column, season=season)


def _measured(
    session: duckdb.DuckDBPyConnection,
    run: RunFolder,
    relation: Relation,
    rules: Sequence[Anomaly],
) -> dict[str, float]:
    """What rules measure of a run, by their labels; a column that was not there gives nothing."""
    here = _columns(session, run, relation)
    outcome = run.step(relation.step).outcome()
    counts = outcome.counts if outcome else {}
    found = {rule.label: float(counts[rule.of]) for rule in rules if rule.of in counts}
    asked = {
        rule.label: rule.expression()
        for rule in rules
        if rule.of not in COUNTED and (rule.column is None or rule.column in here)
    }
    row = session.execute(
        f"SELECT {', '.join(asked.values())} FROM {quote(relation.name)}"
    ).fetchone()
    values = dict(zip(asked, row or (), strict=True))
    return found | {label: float(value) for label, value in values.items() if value is not None}


def _tried(
    rules: Sequence[Anomaly],
    intervals: Sequence[DataInterval],
    measured: Sequence[dict[str, float]],
) -> Iterator[Tried]:
    """Judge each data interval by those before it, as a run would have; the better season stays."""
    best: dict[str, Tried] = {}
    for rule in rules:
        values = [
            (interval, value[rule.label])
            for interval, value in zip(intervals, measured, strict=True)
            if rule.label in value
        ]
        judged = list(verdicts(rule, values))
        written = rule.model_dump(include={"of", "column", "season"}, exclude_defaults=True)
        spoke = [interval for interval, kept in judged if not kept]
        tried = Tried({"type": rule.type_name, **written}, len(judged), spoke)
        moves = rule.of == "null_rate" or len({value for _, value in values}) > 1
        if judged and moves:
            better = min(best.get(rule.label, tried), tried, key=lambda one: one.share)
            best[rule.label] = better
    yield from best.values()


def verdicts(
    rule: Anomaly, values: Sequence[tuple[DataInterval, float]]
) -> Iterator[tuple[DataInterval, bool]]:
    """Whether each data interval with enough of a past keeps the rule."""
    past: list[tuple[datetime, float]] = []
    for interval, value in values:
        context = Context(interval, lambda: (), partial(_past, past[::-1]))
        if len(rule.past(context)) >= rule.warm_up:
            yield interval, rule.verdict((value,), context)[0]
        past.append((interval.start, value))


def _past(known: Sequence[tuple[datetime, float]], label: str) -> Sequence[tuple[datetime, float]]:
    return known
