"""Every difference between the versions of Airflow, from 2.11 to 3.3."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow import __version__ as AIRFLOW_VERSION

AIRFLOW_3 = not AIRFLOW_VERSION.startswith("2.")

if TYPE_CHECKING:
    from airflow.sdk import (
        DAG,
        Asset,
        AssetOrTimeSchedule,
        BaseHook,
        BaseOperator,
        CronDataIntervalTimetable,
        TaskGroup,
        Variable,
        get_parsing_context,
    )
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
elif AIRFLOW_3:
    from airflow.sdk import DAG, Asset, BaseOperator, TaskGroup, Variable, get_parsing_context

    try:
        from airflow.sdk import AssetOrTimeSchedule, BaseHook, CronDataIntervalTimetable
        from airflow.sdk.exceptions import AirflowException, AirflowFailException
    except ImportError:  # 3.0
        from airflow.exceptions import AirflowException, AirflowFailException
        from airflow.hooks.base import BaseHook
        from airflow.timetables.assets import AssetOrTimeSchedule
        from airflow.timetables.interval import CronDataIntervalTimetable
else:
    from airflow.datasets import Dataset as Asset
    from airflow.exceptions import AirflowException, AirflowFailException
    from airflow.hooks.base import BaseHook
    from airflow.models import DAG, BaseOperator, Variable
    from airflow.timetables.datasets import DatasetOrTimeSchedule as AssetOrTimeSchedule
    from airflow.timetables.interval import CronDataIntervalTimetable
    from airflow.utils.dag_parsing_context import get_parsing_context
    from airflow.utils.task_group import TaskGroup

__all__ = [
    "AIRFLOW_3",
    "AIRFLOW_VERSION",
    "DAG",
    "AirflowException",
    "AirflowFailException",
    "Asset",
    "AssetOrTimeSchedule",
    "BaseHook",
    "BaseOperator",
    "CronDataIntervalTimetable",
    "TaskGroup",
    "add_deadline",
    "asset",
    "asset_or_time",
    "get_parsing_context",
    "later",
    "variable",
]


def asset(uri: str, name: str) -> Any:
    """What tells that a table has changed: an asset, in Airflow 2 a dataset."""
    return Asset(uri=uri, name=name) if AIRFLOW_3 else Asset(uri)


def asset_or_time(timetable: Any, assets: Any) -> Any:
    """A schedule by time and by assets."""
    named: dict[str, Any] = {"assets" if AIRFLOW_3 else "datasets": assets}
    return AssetOrTimeSchedule(timetable=timetable, **named)


def add_deadline(dag: Any, seconds: int, channels: list[dict[str, Any]]) -> None:
    """Tell the channels of a run that is not done so long after it was due.

    A deadline of the run from Airflow 3.1 on, counted from when it was queued; in Airflow 2 an SLA
    of its last tasks, counted from the end of the data interval; Airflow 3.0 has neither.
    """
    notify = "etl_framework.airflow.notify"
    after = timedelta(seconds=seconds)
    if not AIRFLOW_3:
        missed = import_module(notify).missed
        dag.sla_miss_callback = partial(missed, seconds=seconds, channels=channels)
        for task in dag.leaves:
            task.sla = after
        return
    try:
        sdk: Any = import_module("airflow.sdk.definitions.deadline")
    except ImportError:
        return
    callback = sdk.AsyncCallback(f"{notify}.late", {"seconds": seconds, "channels": channels})
    dag.deadline = [sdk.DeadlineAlert(sdk.DeadlineReference.DAGRUN_QUEUED_AT, after, callback)]


def later(seconds: float) -> Any:
    """A trigger that comes back after a while."""
    package = "airflow.providers.standard" if AIRFLOW_3 else "airflow"
    temporal = import_module(f"{package}.triggers.temporal")
    return temporal.TimeDeltaTrigger(timedelta(seconds=seconds))


def variable(name: str) -> str | None:
    """A variable, from wherever Airflow keeps it; None when there is none."""
    nothing: dict[str, Any] = {"default" if AIRFLOW_3 else "default_var": None}
    found = Variable.get(name, **nothing)
    return None if found is None else str(found)
