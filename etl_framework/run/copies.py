"""Copy the records of runs into the warehouse, where other tools can ask for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from etl_framework.errors import EtlError, RetryableError
from etl_framework.interval import DataInterval
from etl_framework.run.history import RunRecord, read_record, stored
from etl_framework.targets.history import Row, add, known
from etl_framework.targets.published import moment

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan

# How many of the newest records are looked at: those before were copied, or the tables are new.
NEWEST = 1000
# A run that has not ended by then was killed.
LONGEST = timedelta(days=1)
# The longest JSON that the column `steps` holds.
STEPS = 60_000


def copy_records(plan: Plan) -> str:
    """Copy what a pipeline's records say into the warehouses of its targets.

    Also records of earlier runs that no warehouse has, because it did not answer then. Warehouses
    that do not answer now get them from a later run.

    :returns: what a warehouse has refused; empty if nothing.
    """
    refused = []
    for name in plan.pipeline.target_connections():
        try:
            _copy(plan, name)
        except RetryableError:
            continue
        except EtlError as error:
            refused.append(f"{name}: {error.diagnostics[0].message}")
    return "; ".join(refused)


def _copy(plan: Plan, connection: str) -> None:
    pipeline, staging = plan.pipeline.name, plan.workspace.staging
    newest = list(stored(staging, pipeline))[-NEWEST:]
    if not newest:
        return
    with plan.workspace.warehouse(connection) as warehouse:
        here = known(warehouse, pipeline, newest[0])
        missing = [name for name in newest if name not in here]
        found = [(n, r) for n in missing if (r := read_record(staging, pipeline, n)) and _over(r)]
        runs = [run_row(name, record) for name, record in found]
        checks = [row for name, record in found for row in check_rows(name, record)]
        if runs:
            add(warehouse, connection, runs, checks)


def _over(record: RunRecord) -> bool:
    """Whether a run has ended, or was killed."""
    return bool(record.ended) or moment(record.started) < datetime.now(UTC) - LONGEST


def _record(name: str, record: RunRecord) -> Row:
    interval = DataInterval.of_key(record.key, ZoneInfo("UTC"))
    return (
        name,
        record.run,
        record.pipeline,
        record.environment,
        interval.start,
        interval.end,
        moment(record.started),
    )


def run_row(name: str, record: RunRecord) -> Row:
    """The row of `etl_runs` for a record.

    :param name: what the record is called in the history.
    """
    steps = [
        {
            "step": step.step,
            "state": step.state,
            "started": step.started,
            "seconds": step.seconds,
            "counts": dict(step.counts),
            **({"error": step.error} if step.error else {}),
        }
        for step in record.steps
    ]
    listed = json.dumps(steps)
    if len(listed) > STEPS:
        listed = json.dumps([{"step": step.step, "state": step.state} for step in record.steps])
    return (
        *_record(name, record),
        moment(record.ended) if record.ended else None,
        record.state if record.ended else "killed",
        record.how,
        record.user,
        record.host,
        record.commit,
        record.version,
        *(_sum(record, count) for count in ("read", "rejected", "quarantined")),
        sum(s.counts.get("rows", 0) for s in record.steps if s.step == "publish"),
        record.error,
        listed if len(listed) <= STEPS else "[]",
    )


def check_rows(name: str, record: RunRecord) -> Iterator[Row]:
    """The rows of `etl_checks` for a record."""
    about = _record(name, record)
    for step in record.steps:
        for check in step.checks:
            yield (
                *about,
                str(check["relation"]),
                str(check["check"]),
                str(check["status"]),
                int(check["failing"]),
                int(check["rows"]),
                check.get("measure"),
                str(check.get("note", "")),
            )


def _sum(record: RunRecord, count: str) -> int:
    return sum(step.counts.get(count, 0) for step in record.steps)
