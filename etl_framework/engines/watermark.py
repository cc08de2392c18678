"""From when on a run reads the changes of a source: since the ledger's last interval before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from etl_framework.interval import DataInterval
from etl_framework.plan.plan import Plan
from etl_framework.sources.base import ALL
from etl_framework.targets.ledger import unpacked
from etl_framework.targets.published import moment

COLUMNS = ["interval_start", "interval_end", "sources"]


def watermark(plan: Plan, source: str) -> datetime | None:
    """Where the last published interval before this one ended, so that no change falls between.

    A rerun reads from where the interval was read from before, if that was earlier: its rows in
    the tables are replaced, and what another run has published since is not what it had read.

    :returns: None if none was published before; nobody has read the changes until then.
    :raises RetryableError: the warehouse does not answer.
    """
    if not plan.pipeline.sources[source].gives_changes():
        return None
    where = "pipeline = ? AND interval_start <= ?"
    values = plan.pipeline.name, plan.interval.start
    marks = list[datetime | None]()
    for connection in plan.pipeline.target_connections():
        rows = plan.workspace.ledger_rows(connection, COLUMNS, where, values)
        marks += _marks(list(_read(rows, source)), plan.interval)
    return None if None in marks else min(filter(None, marks), default=None)


def _read(rows: Iterable[Sequence[Any]], source: str) -> Iterator[tuple[DataInterval, str]]:
    """The intervals that have read a source, and from when on."""
    for start, end, sources in rows:
        for fact in unpacked(sources):
            if fact.get("source") == source:
                since = str(fact.get("since") or moment(start).isoformat())
                yield DataInterval(moment(start), moment(end)), since


def _marks(
    read: Sequence[tuple[DataInterval, str]], interval: DataInterval
) -> Iterator[datetime | None]:
    """Where one database's last interval before this one ended, and from when this one was read."""
    ends = (earlier.end for earlier, _ in read if earlier.end <= interval.start)
    yield max(ends, default=None)
    for same, since in read:
        if same.key == interval.key:
            yield None if since == ALL else moment(since)
