"""Numbers of earlier runs, from the ledger: counts of rows, and what checks have measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from etl_framework.engines.work import Work
from etl_framework.targets.ledger import unpacked
from etl_framework.targets.published import moment

RUNS = 7
# Enough for a window of half a year of weekdays.
MEASURES = 200


def earlier_rows(work: Work) -> list[int]:
    """Return the row counts of a relation in up to seven earlier intervals, the latest first.

    The checks of those runs counted the rows. A pipeline without targets has no ledger, so there
    are no counts.
    """
    earlier = []
    for _, told in _told(work, RUNS):
        counts = [int(check.get("rows", 0)) for check in told]
        # Row checks count all rows, other checks count the rows that are kept. The smaller number
        # is the number of rows kept.
        earlier += [min(counts)] if counts else []
    return earlier


def earlier_measures(work: Work, label: str) -> list[tuple[datetime, float]]:
    """Return what a check of the relation has measured in earlier intervals, the latest first."""
    return [
        (start, float(check["measure"]))
        for start, told in _told(work, MEASURES)
        for check in told
        if check.get("check") == label and check.get("measure") is not None
    ]


def _told(work: Work, runs: int) -> Iterator[tuple[datetime, list[dict[str, Any]]]]:
    """What the ledger tells of the checks of a relation in earlier intervals."""
    plan, relation = work.plan, work.step.relation
    connection = next((kpi.target.connection for kpi in plan.pipeline.kpis.values()), None)
    if connection is None:
        return
    rows = plan.workspace.ledger_rows(
        connection,
        ["interval_start", "checks"],
        f"pipeline = ? AND interval_start < ? ORDER BY interval_start DESC LIMIT {runs}",
        (plan.pipeline.name, plan.interval.start),
    )
    for start, checks in rows:
        told = [
            check
            for check in unpacked(checks)
            if check.get("relation") == relation and check.get("on") != "target"
        ]
        yield moment(start), told
