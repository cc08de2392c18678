"""What a warehouse remembers of the statements of a pipeline: how long they ran, what they read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from etl_framework.connections.label import Label
from etl_framework.targets.ledger import Statement

# Redshift counts what it spills in blocks.
BLOCK = 1 << 20


class Usage(NamedTuple):
    """What statements took together.

    :param scanned: bytes that were read from tables; None if nobody can tell.
    :param spilled: bytes that did not fit into memory; None if nobody can tell.
    """

    statements: int
    seconds: float
    scanned: int | None = None
    spilled: int | None = None


def usage_in_redshift(pipeline: str, start: datetime, end: datetime) -> Statement:
    """Return a query for what a pipeline's statements took.

    Its row has their number, microseconds, bytes scanned and blocks spilled. Source:
    SYS_QUERY_HISTORY and SYS_QUERY_DETAIL, whose rows with a `step_name` are about one step of a
    query. Redshift remembers seven days, and shows users who are no superusers only their own.
    """
    group = Label(pipeline, step="").group
    span = tuple(moment.astimezone(UTC).replace(tzinfo=None) for moment in (start, end))
    sql = (
        "SELECT COUNT(*), SUM(ran.elapsed_time), SUM(steps.scanned), SUM(steps.spilled) "
        "FROM sys_query_history AS ran LEFT JOIN ("
        "SELECT query_id, SUM(CASE WHEN step_name = 'scan' THEN input_bytes END) AS scanned, "
        "SUM(spilled_block_local_disk + spilled_block_remote_disk) AS spilled "
        "FROM sys_query_detail WHERE step_name <> '' AND start_time >= ? GROUP BY query_id"
        ") AS steps ON steps.query_id = ran.query_id "
        f"WHERE LEFT(ran.query_label, {len(group)}) = ? "
        "AND ran.start_time >= ? AND ran.start_time <= ?"
    )
    return sql, (span[0], group, *span)
