"""What the runs of each pipeline took, by their records and by what warehouses remember."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from etl_framework.errors import EtlError
from etl_framework.report.facts import Wall
from etl_framework.report.tables import Tables
from etl_framework.targets.published import moment
from etl_framework.targets.usage import Usage

# By how much the clocks of a worker and a warehouse may differ.
CLOCKS = timedelta(minutes=1)
UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Cost:
    """What the shown runs of a pipeline took.

    :param seconds: those of all steps together, also of such that ran in parallel.
    :param told: what warehouses tell of it; None if they tell nothing.
    """

    pipeline: str
    runs: int
    seconds: float
    told: Usage | None


def costs(walls: Iterable[Wall], tables: Tables) -> list[Cost]:
    """The costs of all pipelines that have run, the most seconds first."""
    found = [cost for wall in walls if (cost := _cost(wall, tables))]
    return sorted(found, key=lambda cost: -cost.seconds)


def _cost(wall: Wall, tables: Tables) -> Cost | None:
    if not (runs := wall.row.runs):
        return None
    seconds = sum(step.seconds for steps in wall.steps.values() for step in steps)
    usages = list(_usages(wall, tables))
    return Cost(wall.pipeline.name, len(runs), seconds, _sum(usages) if usages else None)


def _usages(wall: Wall, tables: Tables) -> Iterator[Usage]:
    """What each warehouse of the pipeline tells."""
    records = [record for attempt in wall.row.runs for record in attempt.records]
    start = min(moment(record.started) for record in records) - CLOCKS
    end = max(moment(record.ended or record.started) for record in records) + CLOCKS
    for connection in wall.pipeline.target_connections():
        # One that does not answer, or shows its history to others only, tells nothing.
        with suppress(EtlError), tables.warehouse(connection) as warehouse:
            usage = warehouse.usage(wall.pipeline.name, start, end)
            if usage and usage.statements:
                yield usage


def _sum(usages: list[Usage]) -> Usage:
    scanned = [usage.scanned for usage in usages if usage.scanned is not None]
    spilled = [usage.spilled for usage in usages if usage.spilled is not None]
    return Usage(
        sum(usage.statements for usage in usages),
        sum(usage.seconds for usage in usages),
        sum(scanned) if scanned else None,
        sum(spilled) if spilled else None,
    )


def size(count: int | None) -> str:
    """A number of bytes as people read it: `1.5 GB`; empty for what nobody can tell."""
    if count is None:
        return ""
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{amount:,.1f} {UNITS[unit]}" if unit else f"{count} B"
