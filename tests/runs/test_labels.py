"""Every statement of a run to its databases says which step of which run sends it."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg2
import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.run.run import Run
from tests.conftest import ROWS, Folder, bucket, in_postgres, in_the_cluster
from tests.connections.test_label import heard

pytestmark = pytest.mark.slow
CHECKED = """
    checks: [{type: row_count, min: 1, on: target}]
"""
# A table whose rows say who asks for them.
ASKED = """
CREATE VIEW orders AS
SELECT 1 AS order_id, current_setting('application_name')::varchar(80) AS customer, 1.5 AS amount
"""
SOURCE = """
name: orders
schedule: "@daily"
sources:
  orders:
    type: postgres
    connection: warehouse
    table: orders
    columns:
      - {name: order_id, type: integer}
      - {name: customer, type: varchar(80)}
      - {name: amount, type: "decimal(10,2)"}
    checks: [{type: not_null, columns: [customer]}]
kpis:
  totals:
    sql: orders/totals.sql
    target: {connection: warehouse, table: totals}
    columns:
      - {name: customer, type: varchar(80), primary_key: true}
      - {name: orders, type: integer}
      - {name: amount, type: "decimal(12,2)"}
"""


def steps(sent: list[str], run: Run) -> dict[str, int]:
    """How many statements say that they are of a step; `` for those that say nothing."""
    found: dict[str, int] = {}
    for sql in sent:
        said = re.search(r"\n/\* etl pipeline=orders step=(\S+) run=(\S+) env=local \*/$", sql)
        step = said[1] if said and said[2] == run.run_id else ""
        found[step] = found.get(step, 0) + 1
    return found


def test_a_run_on_postgresql(orders: Folder, postgres: str, server: str) -> None:
    in_postgres(orders, postgres)
    orders.write("pipelines/orders.yml", SOURCE.rstrip() + CHECKED)
    database = postgres.partition("?")[0].rpartition("/")[2]
    with psycopg2.connect(postgres) as ours, ours.cursor() as cursor:
        cursor.execute(ASKED)
        cursor.execute(f"ALTER DATABASE {database} SET log_statement = 'all'")
    log = Path(server.partition("host=")[2]) / "log"
    before = log.stat().st_size

    run = Run(orders.plan("orders"))
    run.all_steps(lambda result: None)

    written = log.read_bytes()[before:].decode().replace("\n\t", "\n")
    sent = re.findall(r"LOG:  statement: (.*?)\n(?=\d{4}-|\Z)", written, re.DOTALL)
    # What psycopg2 sends by itself, and no text of ours goes with.
    told = steps([sql for sql in sent if sql not in ("BEGIN", "ROLLBACK", "COMMIT")], run)
    assert set(told) == {"extract.orders", "publish"}
    assert min(told.values()) > 5
    with psycopg2.connect(postgres) as ours, ours.cursor() as cursor:
        cursor.execute("SELECT customer FROM totals")
        assert cursor.fetchall() == [("etl:orders:extract.orders",)]


@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_a_run_on_redshift(orders: Folder, stack: Stack, engine: str) -> None:
    in_the_cluster(orders, engine)
    bucket().write("orders/1.csv", ROWS.encode())
    pipeline = (orders.root / "pipelines/orders.yml").read_text()
    orders.write("pipelines/orders.yml", pipeline.rstrip() + CHECKED)
    text = (orders.root / "environments.yml").read_text()
    orders.write("environments.yml", text.replace("history_tables: false", "history_tables: true"))

    run = Run(orders.plan("orders"))
    with heard(stack) as sent:
        run.all_steps(lambda result: None)

    told = steps(sent, run)
    there = {"extract.orders", "kpi.totals"} if engine == "redshift" else set()
    assert set(told) >= {"publish", "history", *there}
    assert "" not in told
    groups = {sql.split("'")[1] for sql in sent if sql.startswith("SET query_group")}
    assert groups == {f"etl:orders:{step}" for step in told}
    assert {word for sql in sent for word in ("COPY", "UNLOAD") if sql.startswith(word)} >= {"COPY"}
