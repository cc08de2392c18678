"""What a source gave to each data interval: rows, rejected rows, files and when they arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from etl_framework.checks.freshness import Freshness
from etl_framework.interval import Span
from etl_framework.report.bars import Bars, bars
from etl_framework.report.chart import Chart, Point, chart
from etl_framework.report.facts import Wall
from etl_framework.run.attempts import Attempt
from etl_framework.run.status import Cell
from etl_framework.sources.base import Source
from etl_framework.targets.published import moment

# The newest data intervals, and the newest remarks about columns, that a page lists.
ROWS, REMARKS = 50, 10
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Delivery:
    """What a source gave to a data interval.

    :param rules: how many rows broke each rule.
    :param files: how many were read.
    :param arrived: when the newest of them was written; None if nobody can tell.
    :param after: how long after the end of the data interval that was.
    """

    label: str
    run: Attempt
    read: int
    rules: Mapping[str, int]
    kept: int
    files: int
    arrived: datetime | None
    after: timedelta | None


@dataclass(frozen=True)
class Deliveries:
    """A source over data intervals.

    :param rows: the newest first, not more than ROWS.
    :param rules: all rules that were broken.
    :param allowed: how long its files, or the pipeline, may take; None if nothing says so.
    :param remarks: columns that are not declared, with the data interval, the newest first.
    :param freshness: what its checks of freshness have measured last.
    """

    rows: Sequence[Delivery]
    count: int
    rules: Sequence[str]
    charts: Sequence[Chart]
    bars: Bars | None
    allowed: Span | None
    newest: datetime | None
    remarks: Sequence[tuple[str, str]]
    freshness: Sequence[str]

    def late(self, delivery: Delivery) -> bool:
        """Whether its files came later than is allowed."""
        limit = self.allowed and timedelta(seconds=self.allowed.seconds)
        return bool(limit and delivery.after and delivery.after > limit)


def deliveries(wall: Wall, name: str) -> Deliveries:
    """What the records of runs say of a source."""
    source = wall.pipeline.sources[name]
    rejections = {rule: rows for (of, rule), rows in wall.taken_out.rules.items() if of == name}
    rows = []
    for place, cell in enumerate(wall.taken_out.cells):
        rules = {rule: numbers[place] for rule, numbers in rejections.items()}
        if row := _delivery(wall, name, cell, rules):
            rows.append(row)
    allowed = getattr(source, "wait", None) or wall.pipeline.deadline
    counts = {rule: [row.rules[rule] for row in rows] for rule in rejections}
    labels = [row.label for row in rows]
    return Deliveries(
        rows=rows[: -ROWS - 1 : -1],
        count=len(rows),
        rules=list(rejections),
        charts=list(filter(None, (_read(rows), _arrivals(rows, allowed)))),
        bars=bars(labels, counts) if any(map(sum, counts.values())) else None,
        allowed=allowed,
        newest=max((row.arrived for row in rows if row.arrived), default=None),
        remarks=_notes(wall, name, {"new_column"}, broken=True)[-1 : -REMARKS - 1 : -1],
        freshness=_freshness(wall, name, source),
    )


def _delivery(wall: Wall, name: str, cell: Cell, rules: Mapping[str, int]) -> Delivery | None:
    """What the records tell of a data interval; None if nothing was read."""
    steps = [step for step in wall.steps[cell.interval.key] if step.step == f"extract.{name}"]
    counts = next((step.counts for step in reversed(steps) if "read" in step.counts), None)
    if counts is None or cell.run is None:
        return None
    check = wall.last_steps(cell).get(f"check.{name}")
    kept = (check.counts if check else counts).get("kept", counts["kept"])
    # A run that reuses an earlier one's rows tells nothing of the files.
    files = next((len(step.files) for step in reversed(steps) if step.files), 0)
    written = next((step.arrived for step in reversed(steps) if step.arrived), "")
    arrived = moment(written) if written else None
    after = arrived - cell.interval.end if arrived else None
    return Delivery(cell.label, cell.run, counts["read"], rules, kept, files, arrived, after)


def _read(rows: Sequence[Delivery]) -> Chart | None:
    points = [Point(row.label, row.read) for row in rows]
    return chart("rows read", points) if len(points) > 1 else None


def _arrivals(rows: Sequence[Delivery], allowed: Span | None) -> Chart | None:
    points = [Point(row.label, row.after / HOUR) for row in rows if row.after is not None]
    limit = allowed.seconds / HOUR.seconds if allowed else None
    title = "hours from the interval's end to the newest file"
    return chart(title, points, limit) if len(points) > 1 else None


def _notes(
    wall: Wall, name: str, checks: set[str], *, broken: bool = False
) -> list[tuple[str, str]]:
    """What the last runs of data intervals note for checks of a source, the oldest first."""
    return [
        (cell.label, str(check["note"]))
        for cell in wall.row.cells
        if cell.run
        for record in cell.run.records
        for step in record.steps
        for check in step.checks
        if check["relation"] == name and check["check"] in checks and check["note"]
        if not (broken and check["status"] == "pass")
    ]


def _freshness(wall: Wall, name: str, source: Source) -> list[str]:
    labels = [check.label for check in source.checks if isinstance(check, Freshness)]
    notes = (_notes(wall, name, {label}) for label in labels)
    return [f"{note[-1][0]}: {note[-1][1]}" for note in notes if note]


def age(span: timedelta) -> str:
    """A span of time in its largest unit: `3 days`, `1 hour`, `-2 hours`."""
    seconds = abs(span.total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            sign = "-" if span < timedelta() else ""
            return f"{sign}{count:,} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
