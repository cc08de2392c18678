"""Rows of today that a run of a past data interval keeps as those of that time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from etl_framework.engines.work import Work
from etl_framework.sources.base import Source
from etl_framework.storage.outcome import CheckResult
from etl_framework.targets.load import Load

# The check of when rows were read that a table keeps by the data interval.
TODAYS_ROWS = "todays_rows"


def rows_of_today(work: Work, kpis: Sequence[str], loads: Sequence[Load]) -> Iterator[CheckResult]:
    """Yield a warning for every table that keeps rows as they are now as those of the past.

    :param kpis: the KPI of each load.
    """
    if not _is_past(work, datetime.now(UTC)):
        return
    for kpi, load in zip(kpis, loads, strict=True):
        needed = work.plan.needed(work.plan.step(f"kpi.{kpi}"))
        sources = [
            step.relation
            for step in needed
            if step.kind == "extract"
            and isinstance(step.block, Source)
            and not step.block.may_be_newer
        ]
        if sources and load.target.loads_by.dates_all_rows and load.by_interval is False:
            note = (
                f"keeps rows of today as those of {work.plan.interval}, which is past: "
                f"{', '.join(sources)} gave all rows as they are now (W423)"
            )
            yield CheckResult(TODAYS_ROWS, load.target.table, "warning", 0, load.rows, note)


def _is_past(work: Work, now: datetime) -> bool:
    """Whether the data interval that follows is over, too."""
    with suppress(ValueError):  # a schedule that has no interval any more
        return work.plan.interval.start < work.plan.pipeline.cut().latest(now).start
    return False
