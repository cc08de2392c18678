"""A task that is marked as failed while its statement runs: Airflow sends SIGTERM."""

from __future__ import annotations

import json

import psycopg2
import pytest

from etl_framework.devstack.stack import Stack
from tests.airflow.conftest import Airflow, by_name
from tests.airflow.test_operators import from_postgres
from tests.conftest import Folder

pytestmark = pytest.mark.slow
# As Airflow does it: a signal's handler, which the main thread runs.
KILLED = """
import json, os, signal, sys, threading, time
import etl_framework.airflow as ours
task = getattr(ours, sys.argv[1])(task_id="task", **json.loads(sys.argv[2]))
signal.signal(signal.SIGTERM, lambda *_: task.on_kill())

def kill_once_it_runs():
    import psycopg2
    connection = psycopg2.connect(os.environ["WATCHED"])
    connection.autocommit = True
    cursor = connection.cursor()
    running = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sl' || 'eep(600)%'"
    while not cursor.execute(running) and not cursor.fetchall():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=kill_once_it_runs, daemon=True).start()
try:
    result = task.execute({})
except Exception as error:
    result = f"{type(error).__name__}: {error}"
print(json.dumps(result))
"""


def killed(airflow: Airflow, operator: str, arguments: dict[str, str], **env: str) -> str:
    """What a task says that is stopped as soon as the server runs its statement."""
    return str(airflow.script(KILLED, operator, json.dumps(arguments), env=env))


def test_a_statement_on_redshift(airflow: Airflow, stack: Stack) -> None:
    env = {**by_name(stack), "WATCHED": stack.variables["ETL_DEV_RDS_URL"]}

    said = killed(airflow, "RedshiftSqlOperator", {"sql": "SELECT pg_sleep(600)"}, **env)

    assert "R310 Redshift: it was cancelled" in said


def test_a_step_that_reads_a_table(airflow: Airflow, orders: Folder, postgres: str) -> None:
    with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE orders AS SELECT 1 AS order_id, 'ada'::varchar(20) AS customer,"
            " 1::numeric(10,2) AS amount, TIMESTAMP '2024-06-25' AS ordered_at"
        )
    connection.close()
    from_postgres(orders)
    file = orders.root / "pipelines/orders.yml"
    slow = "table: orders\n    where: (SELECT pg_sleep(600)) IS NOT NULL"
    file.write_text(file.read_text().replace("table: orders", slow))
    arguments = {"step": "extract.orders", "pipeline": "orders", "project": str(orders.root)}

    said = killed(airflow, "ExtractOperator", arguments, TEST_RDS_URL=postgres, WATCHED=postgres)

    assert "R310 PostgreSQL: it was cancelled" in said
