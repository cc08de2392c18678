"""How the data intervals of pipelines stand: published, failed, missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from etl_framework.interval import NONE, DataInterval
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.project.workspace import Workspace
from etl_framework.run.attempts import Attempt, attempts
from etl_framework.run.history import records, stored
from etl_framework.targets.ledger import unpacked
from etl_framework.targets.published import moment, within

State = Literal["published", "warned", "failed", "running", "missing", "late", "due"]
# What a monitor has to know of.
BAD: set[State] = {"failed", "missing", "late"}
COLUMNS = ["interval_start", "interval_end", "published_at", "checks"]
# How long after its end an interval of a pipeline without `deadline` may take, and how long a run
# counts as running of which nobody can tell whether it was killed.
GRACE, LONGEST = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Cell:
    """A data interval of a pipeline.

    :param run: the last run of it; None if no record is left of any.
    """

    interval: DataInterval
    state: State
    run: Attempt | None = None

    @property
    def label(self) -> str:
        """When it starts, without the time of day if that is midnight."""
        return label(self.interval.start)

    @property
    def note(self) -> str:
        """Why it failed; empty otherwise."""
        return self.run.error if self.run and self.state == "failed" else ""


@dataclass(frozen=True)
class Row:
    """A pipeline with its data intervals, the oldest first.

    :param runs: all runs of these intervals that are remembered, the oldest first.
    """

    pipeline: str
    cells: Sequence[Cell]
    runs: Sequence[Attempt] = ()

    def of(self, *states: State) -> list[Cell]:
        """The cells in one of some states."""
        return [cell for cell in self.cells if cell.state in states]


def status(
    project: Project,
    environment: str | None,
    pipeline: Pipeline,
    last: int,
    until: date | None = None,
    now: datetime | None = None,
) -> Row:
    """How the data intervals of a pipeline stand.

    Expected are those since `start_date`, else since the first that was run; without a schedule
    none but those that were run.

    :param last: how many of them, counted from the newest; 0 for all.
    :param until: the last day that they start on; today if not given.
    :raises RetryableError: the warehouse or staging does not answer.
    """
    now = now or datetime.now(UTC)
    workspace = project.workspace(environment)
    published = _published(workspace, pipeline)
    keys = stored(workspace.staging, pipeline.name)
    run = (_interval(pipeline, key) for key in set(keys.values()))
    expected = _expected(pipeline, [*(i for i, _, _ in published), *run], until, now, last)
    wanted = {interval.key for interval in expected}
    names = [name for name, key in keys.items() if key in wanted]
    runs = attempts(records(workspace.staging, pipeline.name, names))
    newest = {attempt.last.key: attempt for attempt in runs}
    cells = [
        _cell(workspace, pipeline, interval, published, newest.get(interval.key), now)
        for interval in expected
    ]
    return Row(pipeline.name, cells, runs)


def _cell(
    workspace: Workspace,
    pipeline: Pipeline,
    interval: DataInterval,
    published: Sequence[tuple[DataInterval, datetime, bool]],
    run: Attempt | None,
    now: datetime,
) -> Cell:
    in_ledger = [row for row in published if _covers(row[0], interval)]
    at = max((at for _, at, _ in in_ledger), default=None)
    if run and (run.failed or (not run.published and (at is None or run.started > at))):
        if _runs(workspace, pipeline, run, now):
            return Cell(interval, "running", run)
        return Cell(interval, "failed", run)
    if at:
        warned = any(warned for _, _, warned in in_ledger)
        return Cell(interval, "warned" if warned else "published", run)
    deadline = timedelta(seconds=pipeline.deadline.seconds) if pipeline.deadline else GRACE
    if now < interval.end + deadline:
        return Cell(interval, "due")
    return Cell(
        interval, "late" if pipeline.deadline and _is_newest(pipeline, interval, now) else "missing"
    )


def _is_newest(pipeline: Pipeline, interval: DataInterval, now: datetime) -> bool:
    return pipeline.schedule != NONE and pipeline.cut().latest(now).key == interval.key


def _runs(workspace: Workspace, pipeline: Pipeline, run: Attempt, now: datetime) -> bool:
    """Whether a run that has not published is still running, as far as anybody can tell."""
    if run.failed:
        return False
    folder = workspace.staging.run(pipeline.name, run.last.key)
    if folder.in_use():
        return True
    elsewhere = folder.remote is not None or run.last.how == run.last.run
    return elsewhere and now - moment(run.last.started) < LONGEST


def _published(
    workspace: Workspace, pipeline: Pipeline
) -> list[tuple[DataInterval, datetime, bool]]:
    """What the ledgers list: the interval, when it was published, whether checks warned."""
    ledgers = []
    for connection in pipeline.target_connections():
        rows = workspace.ledger_rows(connection, COLUMNS, "pipeline = ?", (pipeline.name,))
        ledgers.append(
            {
                DataInterval(moment(start), moment(end)): (
                    moment(at),
                    any(check.get("status") == "warning" for check in unpacked(checks)),
                )
                for start, end, at, checks in rows
            }
        )
    everywhere = set.intersection(*map(set, ledgers)) if ledgers else set()
    return [
        (i, max(ledger[i][0] for ledger in ledgers), any(ledger[i][1] for ledger in ledgers))
        for i in sorted(everywhere, key=lambda i: i.key)
    ]


def _expected(
    pipeline: Pipeline, known: Sequence[DataInterval], until: date | None, now: datetime, last: int
) -> list[DataInterval]:
    """The data intervals that there should be, the oldest first.

    :param last: how many of them at the most; 0 for all.
    """
    zone = ZoneInfo(pipeline.timezone)
    here = {
        interval.key: DataInterval(interval.start.astimezone(zone), interval.end.astimezone(zone))
        for interval in sorted(known, key=lambda interval: interval.key)
    }
    if pipeline.schedule == NONE:
        return [i for i in here.values() if until is None or i.start.date() <= until][-last:]
    begin = min((interval.start for interval in here.values()), default=None)
    first = min(filter(None, (begin and begin.date(), pipeline.start_date)), default=None)
    if first is None:
        return []
    if pipeline.start_date:  # else nothing is expected before the first run
        begin = None
    end = min(filter(None, (until, now.astimezone(zone).date())))
    for days in (60, 800):  # most schedules have as many in it; to count all takes long
        start = end - timedelta(days=days)
        found = list(_between(pipeline, max(first, start), end, now, begin))
        if start <= first or len(found) >= last > 0:
            return found[-last:]
    return list(_between(pipeline, first, end, now, begin))[-last:]


def _between(
    pipeline: Pipeline, first: date, end: date, now: datetime, begin: datetime | None
) -> Iterator[DataInterval]:
    """The intervals of some days that are over, those before a moment left out."""
    days = takewhile(
        lambda interval: interval.end <= now and interval.start.date() <= end,
        pipeline.cut().intervals_from(first),
    )
    return (interval for interval in days if begin is None or interval.start >= begin)


def label(start: datetime) -> str:
    """A moment, without the time of day if that is midnight."""
    form = "%Y-%m-%d" if (start.hour, start.minute) == (0, 0) else "%Y-%m-%d %H:%M"
    return start.strftime(form)


def _covers(one: DataInterval, other: DataInterval) -> bool:
    moments = DataInterval(other.start.astimezone(UTC), other.end.astimezone(UTC))
    return within(moments, one)


def _interval(pipeline: Pipeline, key: str) -> DataInterval:
    return DataInterval.of_key(key, ZoneInfo(pipeline.timezone))
