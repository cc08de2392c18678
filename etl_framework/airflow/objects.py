"""What dag-factory's configuration names by `__type__`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

from etl_framework.airflow import _compat


def schedule(timezone: str, cron: str = "", after: Sequence[Any] = ()) -> Any:
    """When a DAG runs: by time, after tables have changed, or both.

    Data intervals end when a run starts and are told outright, for a bare cron expression means
    intervals in Airflow 2 and moments in Airflow 3.

    :param after: assets; all of them have to have changed.
    """
    timetable = _compat.CronDataIntervalTimetable(cron, timezone=timezone) if cron else None
    assets = reduce(and_, after) if after else None
    if timetable and assets:
        return _compat.asset_or_time(timetable, assets)
    return timetable or assets


def asset(uri: str, name: str) -> Any:
    """A table that other pipelines may wait for."""
    return _compat.asset(uri, name)
