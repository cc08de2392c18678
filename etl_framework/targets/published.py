"""What the ledger says of a pipeline's tables, by data interval: which run has loaded each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from etl_framework.interval import DataInterval
from etl_framework.targets.ledger import unpacked

COLUMNS = ["interval_start", "interval_end", "run_id", "targets"]


class Published(NamedTuple):
    """A row of the ledger.

    :param interval: its data interval, in UTC.
    :param targets: what is told of each target, by the table's name.
    """

    interval: DataInterval
    run_id: str
    targets: dict[str, dict[str, Any]]

    def run_of(self, table: str) -> str:
        """The run that has loaded a table; empty if none has."""
        return str(self.targets[table].get("run") or self.run_id) if table in self.targets else ""


def published(rows: Iterable[Sequence[Any]]) -> list[Published]:
    """Read rows of the ledger that have COLUMNS."""
    return [
        Published(
            DataInterval(moment(start), moment(end)),
            str(run_id),
            {str(target["table"]): target for target in unpacked(targets)},
        )
        for start, end, run_id, targets in rows
    ]


def runs_of(
    rows: Iterable[Published],
    table: str,
    time: DataInterval | None,
    but: DataInterval | None = None,
) -> dict[str, str]:
    """The runs that have loaded a table, by the keys of their data intervals.

    :param time: the data intervals that have a part of it; None for all.
    :param but: a data interval that is left out, with those within it.
    """
    return {
        row.interval.key: run
        for row in rows
        if (run := row.run_of(table))
        and (time is None or _overlap(row.interval, time))
        and not (but and within(row.interval, but))
    }


def state(runs: Mapping[str, str]) -> str:
    """A short text that changes when a data interval is published anew, or for the first time."""
    listed = json.dumps(sorted(runs.items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:16]


def moment(value: datetime | str) -> datetime:
    """Return a timestamptz that a warehouse gave, in UTC."""
    given = datetime.fromisoformat(value) if isinstance(value, str) else value
    return given.astimezone(UTC)


def _overlap(one: DataInterval, other: DataInterval) -> bool:
    start, end = (moment.astimezone(UTC) for moment in (other.start, other.end))
    return one.start < end and one.end > start


def within(one: DataInterval, other: DataInterval) -> bool:
    """Whether one data interval is another, or a part of it; the first is in UTC."""
    start, end = (moment.astimezone(UTC) for moment in (other.start, other.end))
    return one.start >= start and one.end <= end
