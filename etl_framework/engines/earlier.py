"""What earlier runs left in the ledger."""

from __future__ import annotations

import json

from etl_framework import ledger
from etl_framework.engines.work import Work
from etl_framework.errors import DataMissingError
from etl_framework.sql.quote import quote
from etl_framework.targets.warehouse import open_warehouse

RUNS = 7


def earlier_rows(work: Work) -> list[int]:
    """Rows of the step's relation in up to seven runs of earlier intervals, the latest first.

    As the checks of those runs counted them; none for a pipeline without targets.
    """
    plan, relation = work.plan, work.step.relation
    connection = next((kpi.target.connection for kpi in plan.pipeline.kpis.values()), None)
    if connection is None:
        return []
    place = plan.environment.connections[connection]
    try:
        warehouse = open_warehouse(place, plan.root, read_only=True)
    except DataMissingError:
        return []
    try:
        if not warehouse.table_columns(ledger.TABLE):
            return []
        _, rows = warehouse.query(
            f"SELECT checks FROM {quote(ledger.TABLE)} WHERE pipeline = ? AND interval_start < ? "
            f"ORDER BY interval_start DESC LIMIT {RUNS}",
            (plan.pipeline.name, plan.interval.start),
        )
    finally:
        warehouse.close()
    found = []
    for (checks,) in rows:
        counts = [check["rows"] for check in json.loads(checks) if check["relation"] == relation]
        # Row checks count the rows before any is taken out, the others those that are kept.
        found += [min(counts)] if counts else []
    return found
