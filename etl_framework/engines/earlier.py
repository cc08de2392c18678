"""What earlier runs left in the ledger."""

from __future__ import annotations

import json

from etl_framework.engines.work import Work

RUNS = 7


def earlier_rows(work: Work) -> list[int]:
    """Rows of the step's relation in up to seven runs of earlier intervals, the latest first.

    As the checks of those runs counted them; none for a pipeline without targets.
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
        counts = [check["rows"] for check in json.loads(checks) if check["relation"] == relation]
        # Row checks count the rows before any is taken out, the others those that are kept.
        earlier += [min(counts)] if counts else []
    return earlier
