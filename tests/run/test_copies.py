"""Records of runs in the warehouse: also of failed ones, and of those that it missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl_framework.project.project import load_project
from etl_framework.project.workspace import Workspace
from tests.cli.conftest import Etl, etl
from tests.conftest import Folder

__all__ = ["etl"]
BAD = "order_id,customer,amount,ordered_at\nx,ada,1.00,2024-06-25 08:00:00\n"


@pytest.fixture
def orders(orders: Folder) -> Folder:
    file = orders.root / "environments.yml"
    file.write_text(file.read_text().replace("history_tables: false", "history_tables: true"))
    return orders


def runs(folder: Folder, columns: str = "state, rows_read, rows_published") -> list[Any]:
    return folder.query(f"SELECT {columns} FROM etl_runs ORDER BY started_at")


def test_a_run_and_its_checks(orders: Folder, etl: Etl) -> None:
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0

    ((state, read, loaded),) = runs(orders)
    ((rows,),) = orders.query("SELECT COUNT(*) FROM totals")
    assert (state, loaded) == ("done", rows)
    ((interval, steps),) = runs(orders, "CAST(interval_start AT TIME ZONE 'UTC' AS DATE), steps")
    assert str(interval) == "2024-06-25"
    names = [step["step"] for step in json.loads(steps)]
    assert names[-1] == "publish"
    assert "extract.orders" in names
    assert read == sum(step["counts"].get("read", 0) for step in json.loads(steps))
    columns = "relation, check_name, status, failing_rows, checked_rows"
    checks = orders.query(f"SELECT {columns} FROM etl_checks WHERE relation = 'orders'")
    assert checks == [("orders", "required", "pass", 0, read)]


def test_a_run_that_failed(orders: Folder, etl: Etl) -> None:
    etl("run", "orders", "--date", "2024-06-25")
    for file in (orders.root / "lake/orders").glob("*.csv"):
        file.write_text(BAD)
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 1

    ((error,),) = runs(orders, "error")[1:]
    assert [state for state, *_ in runs(orders)] == ["done", "failed"]
    assert error


def test_what_the_warehouse_has_missed_comes_later(orders: Folder, etl: Etl) -> None:
    """A second process has the file open, as DuckDB lets none."""
    etl("run", "orders", "--date", "2024-06-25")
    place = orders.root / ".etl/warehouse.duckdb"
    away = place.rename(place.with_suffix(".away"))
    place.write_text("no database")
    assert etl("run", "orders", "--date", "2024-06-26").returncode == 1
    place.unlink()
    away.rename(place)
    assert len(runs(orders)) == 1

    etl("run", "orders", "--date", "2024-06-27")
    assert [state for state, *_ in runs(orders)][:2] == ["done", "failed"]
    assert len(runs(orders)) == 3


def test_a_warehouse_that_does_not_answer_is_no_complaint(
    orders: Folder, etl: Etl, caplog: pytest.LogCaptureFixture
) -> None:
    """A later run brings the record there."""
    for file in (orders.root / "lake/orders").glob("*.csv"):
        file.write_text(BAD)
    (orders.root / ".etl").mkdir(exist_ok=True)
    place = orders.root / ".etl/warehouse.duckdb"
    place.write_text("no database")

    assert etl("run", "orders", "--date", "2024-06-25").returncode == 1
    assert "the warehouse does not take" not in caplog.text


def test_runs_that_have_not_ended(orders: Folder, etl: Etl) -> None:
    """One that still runs is told when it has ended; one that began long ago was killed."""
    etl("run", "orders", "--date", "2024-06-25")
    (file,) = (orders.root / ".etl/staging/orders/history").glob("*.json")
    history = Workspace(orders.root, load_project(orders.root).environment(None)).staging
    told = history.history("orders").read(file.name)
    assert told
    now = datetime.now(UTC)
    for begun, run in ((now, "now"), (now - timedelta(days=3), "long ago")):
        record = {**told, "ended": "", "state": "running", "run": run,
                  "started": begun.isoformat(timespec="milliseconds")}  # fmt: skip
        name = f"{begun:%Y-%m-%dT%H%M%S}.000_{told['key']}_{run.replace(' ', '-')}.json"
        history.history("orders").write(name, record)
    etl("run", "orders", "--date", "2024-06-26")

    states = dict(orders.query("SELECT run_id, state FROM etl_runs"))
    assert states["long ago"] == "killed"
    assert "now" not in states
    assert len(states) == 3


def test_no_tables_where_none_are_wanted(orders: Folder, etl: Etl) -> None:
    file = orders.root / "environments.yml"
    file.write_text(file.read_text().replace("history_tables: true", "history_tables: false"))
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0
    tables = orders.query("SELECT table_name FROM duckdb_tables()")
    assert not {("etl_runs",), ("etl_checks",)} & set(tables)


def test_a_warehouse_that_refuses_stops_no_run(
    orders: Folder, etl: Etl, caplog: pytest.LogCaptureFixture
) -> None:
    etl("run", "orders", "--date", "2024-06-25")
    orders.change("DROP TABLE etl_runs; CREATE VIEW etl_runs AS SELECT 1 AS record")

    assert etl("run", "orders", "--date", "2024-06-26").returncode == 0
    assert "the warehouse does not take the records of runs: warehouse: " in caplog.text


def test_clean_forgets(orders: Folder, etl: Etl) -> None:
    etl("run", "orders", "--date", "2024-06-25")
    orders.change("UPDATE etl_runs SET started_at = '2000-01-01'")
    orders.change("UPDATE etl_checks SET started_at = '2000-01-01'")
    assert etl("clean").returncode == 0
    assert runs(orders) == []
