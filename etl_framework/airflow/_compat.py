"""Every difference between the versions of Airflow, from 2.11 to 3.3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow import __version__ as AIRFLOW_VERSION
from airflow.plugins_manager import AirflowPlugin

LINK = "etl_run_report"
AIRFLOW_3 = not AIRFLOW_VERSION.startswith("2.")

if TYPE_CHECKING:
    from airflow.sdk import (
        DAG,
        Asset,
        AssetOrTimeSchedule,
        BaseHook,
        BaseOperator,
        BaseOperatorLink,
        CronDataIntervalTimetable,
        Param,
        TaskGroup,
        Variable,
        get_parsing_context,
    )
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
elif AIRFLOW_3:
    from airflow.sdk import (
        DAG,
        Asset,
        BaseOperator,
        BaseOperatorLink,
        Param,
        TaskGroup,
        Variable,
        get_parsing_context,
    )

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
    from airflow.models.baseoperatorlink import BaseOperatorLink
    from airflow.models.param import Param
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
    "AirflowPlugin",
    "Asset",
    "AssetOrTimeSchedule",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "CronDataIntervalTimetable",
    "Param",
    "TaskGroup",
    "add_deadline",
    "asset",
    "asset_or_time",
    "get_parsing_context",
    "keep_link",
    "kept_link",
    "later",
    "variable",
]


def asset(uri: str, name: str) -> Any:
    """Make the asset (in Airflow 2 the dataset) that stands for a table."""
    return Asset(uri=uri, name=name) if AIRFLOW_3 else Asset(uri)


def asset_or_time(timetable: Any, assets: Any) -> Any:
    """Make a schedule that runs by time and also when assets have changed."""
    named: dict[str, Any] = {"assets" if AIRFLOW_3 else "datasets": assets}
    return AssetOrTimeSchedule(timetable=timetable, **named)


def add_deadline(dag: Any, seconds: int, channels: list[dict[str, Any]], report: str = "") -> None:
    """Send a message to the channels if a run is not done within a number of seconds.

    :param report: the address of the page that the message leads to.

    From Airflow 3.1 on, this is a deadline of the run, counted from when the run was queued. In
    Airflow 2, it is an SLA of the last tasks, counted from the end of the data interval. Airflow
    3.0 has neither, so nothing is sent.
    """
    notify = "etl_framework.airflow.notify"
    after = timedelta(seconds=seconds)
    if not AIRFLOW_3:
        missed = import_module(notify).missed
        told = {"seconds": seconds, "channels": channels, "report": report}
        dag.sla_miss_callback = partial(missed, **told)
        for task in dag.tasks:  # what is behind the last ones is a teardown
            if not task.is_teardown and all(down.is_teardown for down in task.downstream_list):
                task.sla = after
        return
    try:
        sdk: Any = import_module("airflow.sdk.definitions.deadline")
    except ImportError:
        return
    told = {"seconds": seconds, "channels": channels, "report": report}
    callback = sdk.AsyncCallback(f"{notify}.late", told)
    dag.deadline = [sdk.DeadlineAlert(sdk.DeadlineReference.DAGRUN_QUEUED_AT, after, callback)]


def later(seconds: float) -> Any:
    """Make a trigger that resumes a task after a number of seconds."""
    package = "airflow.providers.standard" if AIRFLOW_3 else "airflow"
    temporal = import_module(f"{package}.triggers.temporal")
    return temporal.TimeDeltaTrigger(timedelta(seconds=seconds))


def variable(name: str) -> str | None:
    """The value of an Airflow variable, from any of its backends; None if there is none."""
    nothing: dict[str, Any] = {"default" if AIRFLOW_3 else "default_var": None}
    value = Variable.get(name, **nothing)
    return None if value is None else str(value)


def keep_link(operator: Any, context: Any, url: str) -> None:
    """Keep where an operator's link leads in this run, also if the task then fails.

    Airflow 3 asks the operator itself at the end of the task; Airflow 2 asks in its web server,
    which has only what a task has stored.
    """
    operator.link = url
    task = context.get("ti")
    if not AIRFLOW_3 and url and task is not None:
        task.xcom_push(key=LINK, value=url)


def kept_link(operator: Any, key: Any) -> str:
    """Where an operator's link leads; empty if it has not started."""
    if AIRFLOW_3:
        return str(getattr(operator, "link", ""))
    xcom: Any = import_module("airflow.models.xcom").XCom
    return str(xcom.get_value(ti_key=key, key=LINK) or "")


def broken_dag(name: str, wrong: Mapping[str, str]) -> DAG:
    """Make a DAG that Airflow refuses, and whose refusal tells what is wrong with pipelines.

    It becomes an import error of its file; the other DAGs of the file stay.
    """
    told = "\n\n".join(f"{pipeline}:\n{problems}" for pipeline, problems in wrong.items())

    class Broken(DAG):
        def validate(self) -> None:
            raise ValueError(told)

    return Broken(name, schedule=None)
