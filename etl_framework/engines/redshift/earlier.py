"""`earlier.<kpi>_<window>`: what earlier runs loaded into a target, as a table of its own."""

from __future__ import annotations

from etl_framework.engines.redshift.cluster import cluster
from etl_framework.engines.work import Work
from etl_framework.sql.quote import names, quote_table
from etl_framework.storage.outcome import Outcome
from etl_framework.targets.earlier import Earlier


def earlier(work: Work, rows: Earlier) -> Outcome:
    """Copy the rows within the cluster; there are none as long as there is no table.

    :raises RetryableError: the cluster does not answer.
    """
    target, columns = rows.load.target, rows.columns
    with (
        work.plan.workspace.warehouse(target.connection) as warehouse,
        cluster(work) as cluster_session,
    ):
        work.on_cancel(warehouse.cancel)
        table = cluster_session.new_table(columns)
        runs = rows.runs(warehouse)
        if query := rows.query(warehouse):
            into = f"{quote_table(table)} ({names([column.name for column in columns])})"
            warehouse.execute(f"INSERT INTO {into} {query[0]}", query[1])
        count = cluster_session.count(table)
    checks = rows.lost(runs, count)
    return Outcome({"rows": count}, checks, table=table, sources=tuple(sorted(runs.items())))
