"""`etl preview`, `explain` and `diff`: the SQL as it is now, over what the latest run read."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.conftest import Folder

pytestmark = pytest.mark.slow
DAY = "2024-06-25"


@pytest.fixture
def run(orders: Folder) -> Folder:
    """The small project, run once and committed."""
    done = orders.etl("run", "orders", "--date", DAY)
    assert done.returncode == 0, done.stderr
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=orders.root, check=True, capture_output=True)
    return orders


def change(folder: Folder, path: str, was: str, now: str) -> None:
    file = folder.root / path
    text = file.read_text()
    assert was in text
    file.write_text(text.replace(was, now))


def test_a_preview_is_what_a_run_gives(run: Folder) -> None:
    shown = json.loads(run.etl("preview", "totals", "--limit", "0", "--format", "json").stdout)

    columns = ", ".join(shown[0])
    found = run.query(f"SELECT {columns} FROM totals ORDER BY ALL")
    assert [[str(value) for value in row.values()] for row in shown] == [
        [str(value) for value in row] for row in found
    ]


def test_a_preview_is_of_the_sql_as_it_is_now(run: Folder) -> None:
    change(run, "sql_templates/orders/totals.sql", "COUNT(*)", "10 * COUNT(*)")
    before = run.query("SELECT SUM(orders) FROM totals")[0][0]

    shown = json.loads(
        run.etl("preview", "orders.totals", "--limit", "0", "--format", "json").stdout
    )

    assert sum(row["orders"] for row in shown) == 10 * before
    assert run.query("SELECT SUM(orders) FROM totals")[0][0] == before, "nothing is stored"


def test_a_preview_without_a_run(orders: Folder) -> None:
    done = orders.etl("preview", "totals")

    assert done.returncode == 1
    assert "hint: run it first: etl run orders" in done.stderr


def test_explain(orders: Folder) -> None:
    found = json.loads(orders.etl("explain", "totals", "--format", "json").stdout)

    assert (
        found["template"] == (orders.root / "sql_templates/orders/totals.sql").read_text().rstrip()
    )
    assert "COUNT(*)" in found["SQL for duckdb"]
    assert "orders" in found["query plan"]
    assert found["columns, and what they are made of"]["orders"] == ["orders.*"]
    assert "template" in orders.etl("explain", "orders.totals").stdout


def test_no_change(run: Folder) -> None:
    done = run.etl("diff")

    assert done.stdout.startswith("## No KPIs changed since `HEAD`"), done.stderr


def test_a_change_of_values(run: Folder) -> None:
    change(run, "sql_templates/orders/totals.sql", "COUNT(*)", "10 * COUNT(*)")

    (found,) = json.loads(run.etl("diff", "--format", "json").stdout)
    card = run.etl("diff", "--base", "HEAD").stdout

    rows = run.query("SELECT COUNT(*), SUM(orders) FROM totals")[0]
    assert found["counts"] == {"before": rows[0], "after": rows[0], "added": 0, "removed": 0,
                               "changed": rows[0]}  # fmt: skip
    (column,) = found["columns"]
    assert (column["name"], column["before"], column["after"]) == ("orders", rows[1], 10 * rows[1])
    assert found["largest"][0][4] == 9 * max(o for (o,) in run.query("SELECT orders FROM totals"))
    assert f"### orders.totals: {rows[0]} changed ({rows[0]} → {rows[0]} rows)" in card


def test_rows_come_and_go(run: Folder) -> None:
    rows = run.query("SELECT COUNT(*) FROM totals")[0][0]
    change(run, "sql_templates/orders/totals.sql", "SELECT customer", "SELECT customer || '!'")
    change(run, "sql_templates/orders/totals.sql", "customer || '!'", "customer || '!' AS customer")

    done = run.etl("diff", "--format", "json")
    (found,) = json.loads(done.stdout)

    assert (found["counts"]["added"], found["counts"]["removed"]) == (rows, rows)


def test_a_new_and_a_removed_kpi(run: Folder) -> None:
    change(run, "pipelines/orders.yml", "  totals:\n", "  sums:\n")
    change(run, "pipelines/orders.yml", "table: totals", "table: sums")

    found = json.loads(run.etl("diff", "--format", "json").stdout)

    assert {(each["kpi"], each["why"]) for each in found} == {
        ("sums", "new"),
        ("totals", "removed"),
    }


def test_who_waits_for_it_is_told(run: Folder) -> None:
    text = (run.root / "pipelines/orders.yml").read_text()
    later = text.replace("name: orders", "name: later\nafter: [orders.totals]", 1)
    run.write("pipelines/later.yml", later.replace("table: totals", "table: later"))
    change(run, "sql_templates/orders/totals.sql", "COUNT(*)", "10 * COUNT(*)")

    card = run.etl("diff", "orders").stdout

    assert "also affected: `later`" in card


def test_what_cannot_be_compared(run: Folder) -> None:
    assert run.etl("diff", "--base", "nowhere").returncode == 2
    change(run, "sql_templates/orders/totals.sql", "customer", "custmer")
    done = run.etl("diff")
    assert (done.returncode, "unknown column 'custmer'" in done.stderr) == (2, True)
