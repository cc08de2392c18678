"""Earlier data intervals whose rows have changed in number since they were published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile

from etl_framework.interval import DataInterval, Span
from etl_framework.plan.plan import Plan
from etl_framework.sources.base import Source
from etl_framework.targets.ledger import unpacked


@dataclass(frozen=True)
class LateRows:
    """A data interval that has other rows now than when it was published.

    :param now: how many there are now.
    :param then: how many were read, by the ledger.
    """

    interval: DataInterval
    source: str
    now: int
    then: int

    def __str__(self) -> str:
        return (
            f"{self.interval} of '{self.source}' has {self.now:,} rows, and {self.then:,} were "
            "published: it is run again"
        )


def late_rows(plan: Plan) -> list[LateRows]:
    """The published intervals within the `lookback` of a source that have other rows now.

    :returns: the oldest first.
    :raises RetryableError: a source or the warehouse does not answer.
    """
    if all(kpi.target.restate == "never" for kpi in plan.pipeline.kpis.values()):
        return []
    looking = {
        name: (source, back)
        for name, source in plan.pipeline.sources.items()
        if (back := source.looks_back())
    }
    if not looking:
        return []
    published = _published(plan)
    found = [late for name in looking for late in _late(plan, name, *looking[name], published)]
    return sorted(found, key=lambda late: late.interval.key)


def _late(
    plan: Plan, name: str, source: Source, back: Span, published: dict[str, dict[str, int]]
) -> Iterator[LateRows]:
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
            yield LateRows(interval, name, now, then)


def _published(plan: Plan) -> dict[str, dict[str, int]]:
    """How many rows of each source were read, by data interval."""
    columns = ["interval_start", "interval_end", "sources"]
    read: dict[str, dict[str, int]] = {}
    for connection in {kpi.target.connection for kpi in plan.pipeline.kpis.values()}:
        rows = plan.workspace.ledger_rows(
            connection, columns, "pipeline = ?", (plan.pipeline.name,)
        )
        for start, end, sources in rows:
            told = {str(fact["source"]): int(fact["read"]) for fact in unpacked(sources)}
            read.setdefault(DataInterval(start, end).key, {}).update(told)
    return read
