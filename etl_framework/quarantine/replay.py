"""Find the data intervals that have to run again to process rejected rows once more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from etl_framework.errors import ConfigError
from etl_framework.interval import DataInterval
from etl_framework.plan.plan import Plan
from etl_framework.project.project import Project
from etl_framework.quarantine.rows import CORRECTED, OPEN, Quarantine, Selection
from etl_framework.storage import replays


def begun(quarantine: Quarantine, selection: Selection) -> list[DataInterval]:
    """Return the data intervals whose replay has begun and not ended, the oldest first.

    :param selection: of it, only the day counts.
    """
    return [
        interval
        for interval, run in quarantine.runs().items()
        if selection.on in (None, interval.start.date()) and replays.begun(run)
    ]


def intervals_to_run(
    project: Project,
    environment: str | None,
    quarantine: Quarantine,
    selection: Selection,
    corrected: Collection[DataInterval] | None,
) -> list[DataInterval]:
    """Return the data intervals to run again, the oldest first.

    They are those with rejected rows, and those whose replay has begun and not ended. What they
    give never takes the place of the rows of a newer interval.

    :param selection: the rejected rows to process again.
    :param corrected: the intervals with new corrections, which are then the only ones with rejected
        rows that are returned; None if no corrections were asked for.
    :raises ConfigError: an interval was appended to a table, where its rows cannot be replaced.
    """
    waiting = set(corrected or ())
    if corrected is None:
        states = replace(selection, states=(OPEN, CORRECTED))
        waiting = {row.interval for row in quarantine.rows(states)}
    going_on = set(begun(quarantine, selection))
    wanted = waiting | going_on
    if not wanted:
        return []
    kpis = quarantine.pipeline.kpis.values()
    for kpi in kpis:
        if not kpi.target.loads_by.replaces(kpi.target):
            connection = kpi.target.connection
            loaded = _loaded(project, environment, quarantine.pipeline.name, connection)
            # What has begun was not loaded then: if it is now, its rows are those of the replay.
            if not loaded.isdisjoint(_start(interval) for interval in waiting - going_on):
                raise ConfigError(
                    f"rows of these intervals were appended to '{kpi.target.table}', "
                    "where they cannot be told from others and replaced",
                    hint="take `interval_column: false` out of the target: rows then say in "
                    "which data interval they came",
                )
    return sorted(wanted, key=_start)


def resumable(quarantine: Quarantine, plans: Sequence[Plan]) -> Iterator[Plan]:
    """Yield plans to run; what is not run to its end is replayed again by the next replay.

    A plan has been run when the next one is asked for.
    """
    runs = quarantine.runs()
    for plan in plans:
        replays.begin(runs[plan.interval])
    for plan in plans:
        yield plan
        replays.end(runs[plan.interval])


def _start(interval: DataInterval) -> str:
    return interval.key


def _loaded(project: Project, environment: str | None, pipeline: str, connection: str) -> set[str]:
    """Return the keys of a pipeline's intervals that the ledger of a connection contains."""
    columns = ["interval_start", "interval_end"]
    workspace = project.workspace(environment)
    rows = workspace.ledger_rows(connection, columns, "pipeline = ?", (pipeline,))
    return {DataInterval(*row).key for row in rows}
