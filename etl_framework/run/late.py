"""Earlier data intervals that have other rows now than when they were published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from typing import cast

from etl_framework.connections.files import Files
from etl_framework.engines.read_files import listed_files
from etl_framework.interval import DataInterval, Span
from etl_framework.plan.plan import Plan
from etl_framework.sources.base import Source
from etl_framework.sources.files import FilesSource
from etl_framework.targets.ledger import unpacked


@dataclass(frozen=True)
class Late:
    """A data interval that has other rows now than when it was published, and how it is seen."""

    interval: DataInterval
    source: str
    seen: str

    @property
    def told(self) -> str:
        """What it has now, in words."""
        return f"{self.interval} of '{self.source}' has {self.seen}"


def late(plan: Plan) -> list[Late]:
    """The published intervals before the plan's own that a source has other rows of now.

    These are intervals within a `lookback` with other numbers of rows, and those that have read
    files which have changed, of sources that read each file once.

    :returns: the oldest first.
    :raises RetryableError: a source or the warehouse does not answer.
    """
    if all(kpi.target.restate == "never" for kpi in plan.pipeline.kpis.values()):
        return []
    return sorted([*_late_rows(plan), *_changed_files(plan)], key=lambda late: late.interval.key)


def _changed_files(plan: Plan) -> Iterator[Late]:
    for name, source in plan.pipeline.sources.items():
        if not isinstance(source, FilesSource) or not source.reads_once():
            continue
        place = cast(Files, plan.workspace.connection(source.connection))
        here = plan.workspace.staging.run(plan.pipeline.name, plan.interval.key).path
        now = {f.name: f.version for f in source.present(place, plan.root, plan.interval, here)}
        zone = plan.interval.start.tzinfo
        for file, version, read in listed_files(plan, name):
            if now.get(file, version) != version and read.start < plan.interval.start:
                interval = DataInterval(read.start.astimezone(zone), read.end.astimezone(zone))
                yield Late(interval, name, f"another '{file}' than was published")


def _late_rows(plan: Plan) -> list[Late]:
    looking = {
        name: (source, back)
        for name, source in plan.pipeline.sources.items()
        if (back := source.looks_back())
    }
    if not looking:
        return []
    published = _published(plan)
    return [late for name in looking for late in _late(plan, name, *looking[name], published)]


def _late(
    plan: Plan, name: str, source: Source, back: Span, published: dict[str, dict[str, int]]
) -> Iterator[Late]:
    first = plan.interval.start - timedelta(seconds=back.seconds)
    earlier = takewhile(
        lambda interval: interval.start < plan.interval.start,
        plan.pipeline.cut().intervals_from(first.date()),
    )
    intervals = [
        interval
        for interval in earlier
        if interval.start >= first and name in published.get(interval.key, {})
    ]
    connection = plan.workspace.connection(source.connection)
    counts = source.rows_of(connection, plan.root, intervals) if intervals else []
    for interval, now in zip(intervals, counts or (), strict=True):
        then = published[interval.key][name]
        if now != then:
            yield Late(interval, name, f"{now:,} rows, and {then:,} were published")


def _published(plan: Plan) -> dict[str, dict[str, int]]:
    """How many rows of each source were read, by data interval."""
    columns = ["interval_start", "interval_end", "sources"]
    read: dict[str, dict[str, int]] = {}
    for connection in plan.pipeline.target_connections():
        rows = plan.workspace.ledger_rows(
            connection, columns, "pipeline = ?", (plan.pipeline.name,)
        )
        for start, end, sources in rows:
            told = {str(fact["source"]): int(fact["read"]) for fact in unpacked(sources)}
            read.setdefault(DataInterval(start, end).key, {}).update(told)
    return read
