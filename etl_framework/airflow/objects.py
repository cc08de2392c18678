"""Functions that the configuration for dag-factory names by `__type__`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Any

from etl_framework.airflow import _compat


def schedule(timezone: str, cron: str = "", after: Sequence[Any] = ()) -> Any:
    """Make a DAG's schedule: by time, after tables have changed, or both.

    A run starts when its data interval ends. This needs an explicit timetable, because a bare cron
    expression means intervals in Airflow 2 but moments in Airflow 3.

    :param after: assets; the DAG runs when all of them have changed.
    """
    timetable = _compat.CronDataIntervalTimetable(cron, timezone=timezone) if cron else None
    assets = reduce(and_, after) if after else None
    if timetable and assets:
        return _compat.asset_or_time(timetable, assets)
    return timetable or assets


def asset(uri: str, name: str) -> Any:
    """Make the asset of a table, which other pipelines may wait for."""
    return _compat.asset(uri, name)


def param(**settings: Any) -> Any:
    """Make a field of the form with which a run is triggered, in terms of JSON Schema."""
    return _compat.Param(**settings)
