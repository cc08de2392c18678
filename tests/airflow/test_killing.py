"""A task that is marked as failed while its statement runs: Airflow sends SIGTERM."""

from __future__ import annotations

import json

import pytest

from etl_framework.devstack.airflow_settings import connections_of, trust
from etl_framework.devstack.stack import Stack
from tests.airflow.conftest import Airflow

pytestmark = pytest.mark.slow
# As Airflow does it: the signal's handler is run by the thread that waits for the statement.
KILLED = """
import json, os, signal, sys, threading, time
import psycopg2
from etl_framework.airflow import RedshiftSqlOperator
task = RedshiftSqlOperator(task_id="task", sql="SELECT pg_sleep(60)")
signal.signal(signal.SIGTERM, lambda *_: task.on_kill())
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
try:
    result = task.execute({})
except Exception as error:
    result = f"{type(error).__name__}: {error}"
print(json.dumps(result))
"""


def test_a_statement_is_cancelled(airflow: Airflow, stack: Stack) -> None:
    env = {
        **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(found)
           for name, found in connections_of(stack.variables).items()},
        **trust(stack.variables),
    }  # fmt: skip
    said = airflow.script(KILLED, env=env)
    assert "cancel" in said
