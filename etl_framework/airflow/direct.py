"""The same DAG without dag-factory, whose import costs a third of a second: for a task's start.

A worker parses the file again for each task, only to find that task; what is shown, scheduled and
stored is always what dag-factory made. A test compares the two.
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
    """A DAG from its compiled form.

    :param config: of this DAG, plain data as `etl compile` shows it.
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
    """Plain data with the objects that `__type__` names, as dag-factory makes them."""
    if isinstance(data, dict):
        found = {name: made(value) for name, value in data.items() if name != "__type__"}
        return _named(data["__type__"])(**found) if "__type__" in data else found
    return [made(each) for each in data] if isinstance(data, list) else data


def _with_callbacks(given: dict[str, Any]) -> dict[str, Any]:
    """A callback is given as a dictionary: its function's path, and arguments."""
    found = dict(given)
    for name in CALLBACKS:
        if name in found:
            arguments = dict(found[name])
            found[name] = partial(_named(arguments.pop("callback")), **arguments)
    return found


def _named(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)
