"""What dag-factory's configuration names by `__type__`."""

from __future__ import annotations

from typing import Any

from etl_framework.airflow import _compat


def timetable(cron: str, timezone: str) -> Any:
    """Data intervals that end when a run starts, told outright: a bare cron expression means

    intervals in Airflow 2 and moments in Airflow 3.
    """
    return _compat.CronDataIntervalTimetable(cron, timezone=timezone)


def asset(uri: str, name: str) -> Any:
    """A table that other pipelines may wait for."""
    return _compat.asset(uri, name)
