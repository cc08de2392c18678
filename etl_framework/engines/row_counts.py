"""Row counts of earlier runs, from the ledger."""

from __future__ import annotations

from etl_framework.engines.work import Work
from etl_framework.targets.ledger import unpacked

RUNS = 7


def earlier_rows(work: Work) -> list[int]:
    """Return the row counts of a relation in up to seven earlier intervals, the latest first.

    The checks of those runs counted the rows. A pipeline without targets has no ledger, so there
    are no counts.
    """
    plan, relation = work.plan, work.step.relation
    connection = next((kpi.target.connection for kpi in plan.pipeline.kpis.values()), None)
    if connection is None:
        return []
    rows = plan.workspace.ledger_rows(
        connection,
        ["checks"],
        f"pipeline = ? AND interval_start < ? ORDER BY interval_start DESC LIMIT {RUNS}",
        (plan.pipeline.name, plan.interval.start),
    )
    earlier = []
    for (checks,) in rows:
        told = [check for check in unpacked(checks) if check.get("relation") == relation]
        counts = [int(check.get("rows", 0)) for check in told]
        # Row checks count all rows, other checks count the rows that are kept. The smaller number
        # is the number of rows kept.
        earlier += [min(counts)] if counts else []
    return earlier
