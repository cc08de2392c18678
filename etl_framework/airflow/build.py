"""Build a DAG without dag-factory, whose import costs each task a third of a second at its start.

A worker parses the DAG file again for each task, only to find the task. The DAG that Airflow shows,
schedules and stores is always made by dag-factory. A test shows that the two are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from etl_framework.airflow import _compat
from etl_framework.interval import NONE

CALLBACKS = ("on_failure_callback", "on_success_callback")


def build(name: str, config: Mapping[str, Any]) -> Any:
    """Build a DAG from its compiled form.

    :param config: the configuration of this DAG, as `etl compile` shows it.
    """
    zone = ZoneInfo(config["timezone"])
    defaults = made(config["default_args"])
    dag = _compat.DAG(
        name,
        description=config["description"],
        schedule=None if config["schedule"] == NONE else made(config["schedule"]),
        start_date=datetime.fromisoformat(config["start_date"]).replace(tzinfo=zone),
        catchup=config["catchup"],
        max_active_runs=config["max_active_runs"],
        tags=config["tags"],
        default_args=_with_callbacks(defaults),
        params=made(config.get("params")),
    )
    for group, given in config["task_groups"].items():
        _compat.TaskGroup(group, dag=dag, **given)
    tasks: dict[str, Any] = {}
    for given in config["tasks"]:
        rest = {n: v for n, v in given.items() if n not in ("operator", "dependencies")}
        operator = _named(given["operator"])
        task = operator(dag=dag, **_with_callbacks(made(rest)))
        for need in given["dependencies"]:
            task.set_upstream(tasks[need])
        tasks[given["task_id"]] = task
    return dag


def made(data: Any) -> Any:
    """Replace mappings that have a `__type__` by the objects they name, as dag-factory does."""
    if isinstance(data, dict):
        arguments = {name: made(value) for name, value in data.items() if name != "__type__"}
        return _named(data["__type__"])(**arguments) if "__type__" in data else arguments
    return [made(item) for item in data] if isinstance(data, list) else data


def _with_callbacks(given: dict[str, Any]) -> dict[str, Any]:
    """Replace every callback, a mapping with a function's path and arguments, by the function."""
    settings = dict(given)
    for name in CALLBACKS:
        if name in settings:
            arguments = dict(settings[name])
            settings[name] = partial(_named(arguments.pop("callback")), **arguments)
    return settings


def _named(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
