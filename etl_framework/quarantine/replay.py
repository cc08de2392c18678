"""Find the data intervals that have to run again to process rejected rows once more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from etl_framework.errors import ConfigError
from etl_framework.interval import DataInterval
from etl_framework.project.project import Project
from etl_framework.quarantine.rows import CORRECTED, OPEN, Quarantine, Selection


def intervals_to_run(
    project: Project,
    environment: str | None,
    quarantine: Quarantine,
    selection: Selection,
    corrected: Collection[DataInterval],
) -> list[DataInterval]:
    """Return the data intervals with rejected rows, the oldest first.

    If a target holds only the interval that was loaded last, the newest interval is added, so that
    the target holds the newest rows in the end.

    :param selection: the rejected rows to process again.
    :param corrected: the intervals with new corrections; if there are any, only these are returned.
    :raises ConfigError: an interval was appended to a table, where its rows cannot be replaced.
    """
    wanted = set(corrected)
    if not wanted:
        waiting = replace(selection, states=(OPEN, CORRECTED))
        wanted = {row.interval for row in quarantine.rows(waiting)}
    if not wanted:
        return []
    kpis = quarantine.pipeline.kpis.values()
    for kpi in kpis:
        if not kpi.target.loads_by.replaces:
            connection = kpi.target.connection
            loaded = _loaded(project, environment, quarantine.pipeline.name, connection)
            if not loaded.isdisjoint(_start(interval) for interval in wanted):
                raise ConfigError(
                    f"rows of these intervals were appended to '{kpi.target.table}', "
                    "where they cannot be told from others and replaced",
                    hint="use `strategy: delete+insert` or `merge` for a table to replay into",
                )
    if any(kpi.target.loads_by.holds_newest for kpi in kpis):
        wanted.add(max(quarantine.runs(), key=_start))
    return sorted(wanted, key=_start)


def _start(interval: DataInterval) -> str:
    return interval.key


def _loaded(project: Project, environment: str | None, pipeline: str, connection: str) -> set[str]:
    """Return the keys of a pipeline's intervals that the ledger of a connection contains."""
    columns = ["interval_start", "interval_end"]
    workspace = project.workspace(environment)
    rows = workspace.ledger_rows(connection, columns, "pipeline = ?", (pipeline,))
    return {DataInterval(*row).key for row in rows}
