"""Files that are waited for, tables that are fresh, statements on Redshift, archives."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from etl_framework.devstack.stack import Stack
from tests.airflow.conftest import Airflow, by_name
from tests.conftest import Folder, in_the_cluster
from tests.sources.installed import FILE, Installed, words

__all__ = ["words"]
pytestmark = pytest.mark.slow
JUNE = '"2024-06-25T00:00:00+00:00", "2024-06-26T00:00:00+00:00"'
# Does what a worker and a triggerer do with one task: its deferrals come back at once.
RUN = """
import json, logging, sys
from datetime import datetime
from etl_framework import airflow as ours
try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:
    from airflow.exceptions import TaskDeferred
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
name, arguments, deferrals, then = sys.argv[1], json.loads(sys.argv[2]), 0, sys.argv[3]
start, end = map(datetime.fromisoformat, [JUNE])
context = {"data_interval_start": start, "data_interval_end": end}
task = getattr(ours, name)(task_id="task", **arguments)
call, more = task.execute, {}
while True:
    try:
        result = call(context, **more)
        break
    except TaskDeferred as deferred:
        deferrals += 1
        if deferrals == 2:
            exec(then)
        call, more = getattr(task, deferred.method_name), {"event": None, **deferred.kwargs}
        delay = deferred.trigger.serialize()[1]
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
        break
print(json.dumps([deferrals, result]))
""".replace("JUNE", JUNE)


def run(
    airflow: Airflow, name: str, arguments: dict[str, Any], then: str = "", **env: str
) -> list[Any]:
    """How often the task left its worker, and what came of it."""
    found: list[Any] = airflow.script(RUN, name, json.dumps(arguments), then, env=env)
    return found


def test_files_are_waited_for(airflow: Airflow, orders: Folder) -> None:
    file = orders.root / "lake/orders/1.csv"
    text = file.read_text()
    file.unlink()
    arguments = {"pipeline": "orders", "source": "orders", "project": str(orders.root),
                 "poke_interval": 0.0}  # fmt: skip
    arrives = f"open({str(file)!r}, 'w').write({text!r})"

    assert run(airflow, "FilesSensor", arguments, arrives) == [2, ["orders/1.csv"]]

    two = {**arguments, "at_least": 2, "wait_seconds": 0.0}
    deferrals, said = run(airflow, "FilesSensor", two)
    assert deferrals == 0
    assert said.startswith("AirflowFailException: the files of 'orders' are not there")


def test_files_of_a_plug_in_are_waited_for(airflow: Airflow, words: Installed) -> None:
    file = words.folder.root / "lake" / FILE
    text = file.read_text()
    file.unlink()
    arguments = {"pipeline": "words", "source": "words", "project": str(words.folder.root),
                 "poke_interval": 0.0}  # fmt: skip
    installed = f"import sys; sys.path.insert(0, {str(words.site)!r})\n{RUN}"
    arrives = f"open({str(file)!r}, 'w').write({text!r})"

    waited = airflow.script(installed, "FilesSensor", json.dumps(arguments), arrives)

    assert waited == [2, [FILE]]


def test_a_worker_may_wait_itself(airflow: Airflow, orders: Folder) -> None:
    arguments = {"pipeline": "orders", "source": "orders", "project": str(orders.root),
                 "poke_interval": 0.01, "wait_seconds": 0.05, "at_least": 2,
                 "deferrable": False}  # fmt: skip

    assert run(airflow, "FilesSensor", arguments)[0] == 0


def test_a_step_that_waits_reads_what_came(airflow: Airflow, orders: Folder) -> None:
    """As `wait: 6h` in the pipeline's file makes it."""
    text = (orders.root / "pipelines/orders.yml").read_text()
    orders.write(
        "pipelines/orders.yml", text.replace("    max_rejected", "    wait: 6h\n    max_rejected")
    )
    compiled = orders.etl("compile", "orders").stdout
    assert "wait_seconds: 21600" in compiled
    file = orders.root / "lake/orders/1.csv"
    rows = file.read_text()
    file.unlink()
    arguments = {"pipeline": "orders", "step": "extract.orders", "project": str(orders.root),
                 "poke_interval": 0.0, "wait_seconds": 21600.0}  # fmt: skip

    deferrals, result = run(
        airflow, "ExtractOperator", arguments, f"open({str(file)!r}, 'w').write({rows!r})"
    )
    assert (deferrals, result["read"]) == (2, 3)


def test_a_fresh_table(airflow: Airflow, orders: Folder) -> None:
    (orders.root / ".etl").mkdir()
    with duckdb.connect(str(orders.root / ".etl/warehouse.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT TIMESTAMP '2024-06-25 23:00:00' AS at")
    arguments = {"connection": "warehouse", "table": "t", "column": "at", "wait_seconds": 0.0,
                 "project": str(orders.root)}  # fmt: skip

    fresh = run(airflow, "FreshnessSensor", {**arguments, "max_age": 3600})
    assert fresh == [0, "2024-06-25T23:00:00+00:00"]
    stale = run(airflow, "FreshnessSensor", {**arguments, "max_age": 3599})
    assert "'t' has no row new enough" in stale[1]
    unknown = run(airflow, "FreshnessSensor", {**arguments, "connection": "warehaus", "max_age": 1})
    assert "there is no connection 'warehaus'" in unknown[1]
    assert "did you mean 'warehouse'?" in unknown[1]


def test_a_source_that_is_not_there(airflow: Airflow, orders: Folder) -> None:
    arguments = {"pipeline": "orders", "source": "order", "project": str(orders.root)}

    said = run(airflow, "FilesSensor", arguments)[1]

    assert said.startswith("AirflowFailException")
    assert "did you mean 'extract.orders'?" in said


def test_sql_on_redshift(airflow: Airflow, folder: Folder, stack: Stack) -> None:
    in_the_cluster(folder)
    named = {"connection": "warehouse", "project": str(folder.root)}
    env = by_name(stack)

    made = run(
        airflow, "RedshiftSqlOperator", {**named, "sql": "CREATE TABLE t (n integer)"}, **env
    )
    assert made == [0, 0]
    added = {"sql": "INSERT INTO t VALUES (1), (2)"}
    assert run(airflow, "RedshiftSqlOperator", added, **env) == [0, 2], "by redshift_default"
    sql = "CREATE TABLE f AS SELECT TIMESTAMP '2024-06-25 23:00:00' AS at"
    run(airflow, "RedshiftSqlOperator", {"sql": sql}, **env)
    fresh = {"table": "f", "column": "at", "max_age": 3600, "wait_seconds": 0.0}
    assert run(airflow, "FreshnessSensor", fresh, **env) == [0, "2024-06-25T23:00:00+00:00"]
    _, said = run(airflow, "RedshiftSqlOperator", {"sql": "SELECT * FROM nowhere"}, **env)
    assert said.startswith("AirflowFailException: ")
    assert "nowhere" in said


def test_sql_by_the_data_api_leaves_the_worker(
    airflow: Airflow, folder: Folder, stack: Stack
) -> None:
    in_the_cluster(folder)
    file = folder.root / "environments.yml"
    more = {"driver": "data_api", "cluster": "etl", "region": "eu-west-1",
            "endpoint_url": '"{{ env.ETL_DEV_AWS_URL }}"'}  # fmt: skip
    lines = "".join(f"\n        {name}: {value}" for name, value in more.items())
    file.write_text(file.read_text().replace("type: redshift", f"type: redshift{lines}"))
    arguments = {"connection": "warehouse", "project": str(folder.root), "poke_interval": 0.0,
                 "sql": "CREATE TABLE t AS SELECT pg_sleep(0.3), 1 AS n"}  # fmt: skip

    deferrals, changed = run(airflow, "RedshiftSqlOperator", arguments, **by_name(stack))
    assert deferrals >= 1
    assert changed is not None


def test_an_archive(airflow: Airflow, orders: Folder) -> None:
    text = (orders.root / "pipelines/orders.yml").read_text()
    orders.write("pipelines/orders.yml", text.replace(
        "    max_rejected", "    archive: processed/\n    max_rejected"))  # fmt: skip
    arguments = {"pipeline": "orders", "project": str(orders.root)}

    _, said = run(airflow, "ArchiveOperator", arguments)
    assert "nothing was published" in said
    orders.run("orders")
    assert run(airflow, "ArchiveOperator", arguments) == [0, 1]
    assert (orders.root / "lake/processed/orders/1.csv").is_file()
