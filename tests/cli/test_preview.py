"""`etl preview`, `explain` and `watch`: the SQL as it is now, over what was read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, ROWS, TOTALS, Folder

DAY = "2024-06-25"
FILE, SQL = "pipelines/orders.yml", "sql_templates/orders/totals.sql"


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def change(folder: Folder, path: str, was: str, now: str) -> None:
    file = folder.root / path
    text = file.read_text()
    assert was in text
    file.write_text(text.replace(was, now))


def test_a_preview_is_what_a_run_gives(orders: Folder, etl: Etl) -> None:
    orders.run("orders")

    shown = rows(etl("preview", "totals", "--limit", "0", "--format", "json"))

    found = orders.query("SELECT customer, orders, amount FROM totals ORDER BY ALL")
    assert [[str(value) for value in row.values()] for row in shown] == [
        [str(value) for value in row] for row in found
    ]


def test_a_preview_is_of_the_sql_as_it_is_now(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    change(orders, SQL, "COUNT(*)", "10 * COUNT(*)")

    shown = rows(etl("preview", "orders.totals", "--format", "json"))

    assert sum(row["orders"] for row in shown) == 30
    assert orders.query("SELECT SUM(orders) FROM totals") == [(3,)], "nothing is stored"


def test_a_preview_without_a_run_reads_the_sources(orders: Folder, etl: Etl) -> None:
    first, second = (etl("preview", "totals", "--date", DAY, "--format", "json") for _ in "12")

    assert sum(row["orders"] for row in rows(first)) == 3
    assert "read anew: orders" in first.stderr
    assert "read anew" not in second.stderr, "what has not changed is not read twice"
    assert rows(second) == rows(first)
    assert not (orders.root / ".etl/warehouse.duckdb").exists()
    assert not (orders.root / ".etl/staging").exists()


def test_a_preview_sees_new_rows_of_what_no_run_left(orders: Folder, etl: Etl) -> None:
    etl("preview", "totals", "--date", DAY)
    orders.write("lake/orders/2.csv", ROWS.replace("ada", "eve"))

    shown = rows(etl("preview", "totals", "--date", DAY, "--format", "json"))

    assert {row["customer"] for row in shown} == {"ada", "bob", "eve"}


def test_what_is_broken_in_staging_is_read_anew(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    (file,) = (orders.root / ".etl/staging").glob("*/*/extract.orders/data/*.parquet")
    file.write_bytes(file.read_bytes()[:-9])

    shown = etl("preview", "totals", "--format", "json")

    assert sum(row["orders"] for row in rows(shown)) == 3
    assert "read anew: orders" in shown.stderr


def test_a_source_that_was_changed_since_the_run_is_read_anew(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    orders.write("lake/orders/1.csv", ROWS.replace("ordered_at", "at").replace("ada", "eve"))
    change(orders, FILE, "ordered_at, type: timestamp", "at, type: date")
    change(orders, FILE, "name: at, type: date", "name: at, type: timestamp")

    done = etl("preview", "totals", "--format", "json")

    assert {row["customer"] for row in rows(done)} == {"bob", "eve"}
    assert "read anew: orders" in done.stderr


def test_rows_that_checks_take_out_are_not_in_a_preview(orders: Folder, etl: Etl) -> None:
    kept = "    checks: [{type: accepted_range, column: amount, max: 15, on_fail: quarantine}]\n"
    orders.write("sql_templates/orders/kept.sql", "SELECT * FROM orders")
    columns = ORDERS[ORDERS.index("    columns:") : ORDERS.index("kpis:")]
    block = f"transforms:\n  kept:\n    sql: orders/kept.sql\n{columns}{kept}kpis:"
    orders.write(FILE, ORDERS.replace("kpis:", block))
    orders.write(SQL, TOTALS.replace("FROM orders", "FROM kept"))
    orders.run("orders")

    shown = rows(etl("preview", "totals", "--format", "json"))

    assert [row["customer"] for row in shown] == ["ada"]
    assert orders.query("SELECT customer FROM totals") == [("ada",)]


def test_python_transforms_are_computed(orders: Folder, etl: Etl) -> None:
    orders.write("mine.py", "def big(orders):\n    return orders[orders.amount > 15]\n")
    columns = ORDERS[ORDERS.index("    columns:") : ORDERS.index("kpis:")]
    block = f"transforms:\n  big:\n    python: mine:big\n    inputs: [orders]\n{columns}kpis:"
    orders.write(FILE, ORDERS.replace("kpis:", block))
    orders.write(SQL, TOTALS.replace("FROM orders", "FROM big"))

    shown = rows(etl("preview", "totals", "--date", DAY, "--format", "json"))

    assert [row["customer"] for row in shown] == ["bob"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["totls"], 2, "did you mean 'totals'?", id="an unknown KPI"),
        pytest.param(["totals", "--date", "soon"], 2, "'soon' is not a date", id="no date"),
        pytest.param(["totals", "--env", "prd"], 2, "no environment 'prd'", id="no environment"),
    ],
)
def test_what_a_preview_cannot_do(etl: Etl, arguments: list[str], code: int, words: str) -> None:
    done = etl("preview", *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_a_preview_of_nothing(orders: Folder, etl: Etl) -> None:
    (orders.root / "lake/orders/1.csv").unlink()

    done = etl("preview", "totals")

    assert (done.returncode, done.stdout) == (1, "")
    assert "pipelines/orders.yml:4:3: " in done.stderr
    assert "orders/*.csv" in done.stderr


def test_a_preview_of_wrong_sql_says_where(orders: Folder, etl: Etl) -> None:
    change(orders, SQL, "customer,", "custmer,")

    done = etl("preview", "totals")

    assert done.returncode == 2
    assert f"{SQL}:1:8: E413 unknown column 'custmer'" in done.stderr


def test_explain(orders: Folder, etl: Etl) -> None:
    orders.write(
        SQL, "{# what #}" + TOTALS.strip() + " HAVING MAX(ordered_at) >= {{ interval.start }}"
    )
    found = rows(etl("explain", "totals", "--format", "json", "--date", DAY))
    text = etl("explain", "orders.totals").stdout

    assert "{{ interval.start }}" in found["template"]
    assert "'2024-06-25 00:00:00'" in found["rendered"]
    assert "CAST('2024-06-25 00:00:00' AS TIMESTAMP)" in found["SQL for duckdb"]
    assert "orders" in found["query plan"]
    assert found["columns, and what they are made of"]["orders"] == ["orders.*"]
    assert found["declared at"] == f"{FILE}:{ORDERS.strip().splitlines().index('  totals:') + 1}:3"
    assert all(f"\n{title}\n" in text for title in found if found[title])


def test_explain_what_is_wrong(etl: Etl) -> None:
    done = etl("explain", "totls")

    assert (done.returncode, "did you mean 'totals'?" in done.stderr) == (2, True)


def test_watch_shows_mistakes_and_then_rows(orders: Folder, etl: Etl) -> None:
    right = etl("watch", "totals", "--once")
    change(orders, FILE, "kpis:", "kpis: [")
    wrong = etl("watch", "totals", "--once")

    assert "0 problems found" in right.stderr
    assert "ada" in right.stdout
    assert "E102 YAML syntax" in wrong.stdout
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)


def test_watch_outlives_what_is_no_project(orders: Folder, etl: Etl) -> None:
    Path(orders.root / "pipelines").rename(orders.root / "gone")

    done = etl("watch", "--once")

    assert (done.returncode, "is not a project" in done.stderr) == (2, True)


def test_ctrl_c_between_two_looks(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)

    done = etl("watch")

    assert (done.returncode, done.stderr.strip()) == (0, "0 problems found\n0 passed, 0 failed")
