"""`etl diff`: what a change does to KPIs, by the rows of both sides."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Etl
from tests.cli.test_preview import DAY, FILE, SQL, change
from tests.conftest import ORDERS, TOTALS, Folder

TRANSFORM = "transforms:\n  kept: {sql: orders/kept.sql}\nkpis:"


def commit(folder: Folder) -> None:
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=folder.root, check=True, capture_output=True)


@pytest.fixture
def shop(orders: Folder) -> Folder:
    """A fresh clone: a source, a transform, a KPI, and nothing was ever run."""
    orders.write(FILE, ORDERS.replace("kpis:", TRANSFORM))
    orders.write("sql_templates/orders/kept.sql", "SELECT * FROM orders")
    orders.write(SQL, TOTALS.replace("FROM orders", "FROM kept"))
    orders.write(".gitignore", ".etl/\n")
    commit(orders)
    return orders


def found(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def edits(*changes: tuple[str, str, str]) -> Callable[[Folder], None]:
    def make(folder: Folder) -> None:
        for path, was, now in changes:
            change(folder, path, was, now)

    return make


NO_KEY = (FILE, ", primary_key: true", "")
KEPT = "sql_templates/orders/kept.sql"
BIGGER = (SQL, "SUM(amount)", "SUM(amount) * 2")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(edits(BIGGER), [
            "### orders.totals: 2 changed (2 → 2 rows)",
            "Target `warehouse.totals`; DAGs: `orders`. Changed: `totals`.",
            "| amount | sum | 35.75 | 71.50 | 2 |",
            "Largest movements",
            "| bob | amount | 20.00 | 40.00 | +20 |",
        ], id="changed SQL"),
        pytest.param(edits((KEPT, "orders", "orders WHERE amount > 6")), [
            "### orders.totals: 1 changed (2 → 2 rows)", "Changed: `kept`.",
            "| orders | sum | 3 | 2 | 1 |", "| ada | amount | 15.75 | 10.50 | -5.25 |",
        ], id="a transform that it reads"),
        pytest.param(edits((FILE, "path: orders/*.csv", "path: orders/1*.csv"), BIGGER), [
            "Changed: `totals`, `orders`.",
        ], id="a source and the SQL"),
        pytest.param(edits((SQL, "SELECT customer", "SELECT customer || '!' AS customer")), [
            "### orders.totals: 2 added, 2 removed (2 → 2 rows)",
        ], id="rows that come and go"),
        pytest.param(edits((FILE, "  totals:\n", "  sums:\n"),
                           (FILE, "table: totals", "table: sums")), [
            "## 2 KPIs changed", "### orders.sums: new, 2 rows", "| customer | orders | amount |",
            "| ada | 2 | 15.75 |", "### orders.totals: removed, 2 rows",
        ], id="a new and a removed KPI"),
        pytest.param(edits((SQL, "AS orders", "AS n"),
                           (FILE, "name: orders, type", "name: n, type")), [
            "### orders.totals: the same rows (2 → 2 rows)",
            "Columns: `+ n integer`; `- orders integer`",
        ], id="a renamed column"),
        pytest.param(edits((FILE, "orders, type: integer", "orders, type: varchar(9)"),
                           (SQL, "COUNT(*)", "CAST(COUNT(*) AS VARCHAR(9))")), [
            "### orders.totals: the same rows", "Columns: `orders integer → varchar(9)`",
        ], id="another type"),
        pytest.param(edits(NO_KEY, BIGGER), [
            "### orders.totals: 2 added, 2 removed (2 → 2 rows)",
            "| amount | sum | 35.75 | 71.50 |  |",
        ], id="no key"),
        pytest.param(edits((SQL, "FROM kept", "FROM kept WHERE false")), [
            "### orders.totals: 2 removed (2 → 0 rows)",
        ], id="no row is left"),
        pytest.param(edits((FILE, "schedule:", "description: Other words.\nschedule:")), [
            "## No KPIs changed since `HEAD`",
        ], id="nothing that matters"),
    ],
)  # fmt: skip
def test_the_card(
    shop: Folder, etl: Etl, make: Callable[[Folder], None], expected: list[str]
) -> None:
    make(shop)

    done = etl("diff", "--date", DAY)

    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in expected if line not in done.stdout] == [], done.stdout


def test_no_change(shop: Folder, etl: Etl) -> None:
    assert etl("diff").stdout.startswith("## No KPIs changed since `HEAD` (")
    assert not (shop.root / ".etl/trying/now").exists(), "nothing was read"


def test_rows_are_read_once_for_both_sides(shop: Folder, etl: Etl) -> None:
    edits(BIGGER)(shop)
    etl("diff", "--date", DAY)

    assert not (shop.root / ".etl/trying/base").exists()
    assert not (shop.root / ".etl/warehouse.duckdb").exists()


def test_each_side_has_its_own_source(shop: Folder, etl: Etl) -> None:
    shop.write("lake/orders/2.csv", "order_id,customer,amount,ordered_at\n9,eve,1,2024-06-25\n")
    change(shop, FILE, "path: orders/*.csv", "path: orders/1.csv")

    (each,) = found(etl("diff", "--date", DAY, "--format", "json"))

    assert each["why"] == "orders"
    assert each["counts"] == {"before": 3, "after": 2, "added": 0, "removed": 1, "changed": 0}


def test_over_the_rows_of_the_run(shop: Folder, etl: Etl) -> None:
    shop.run("orders")
    shop.write("lake/orders/1.csv", "gone")
    edits(BIGGER)(shop)

    (each,) = found(etl("diff", "--format", "json"))

    assert (each["counts"]["changed"], each["problem"]) == (2, "")


def test_over_the_rows_of_tests(shop: Folder, etl: Etl) -> None:
    given = "given: {orders: [{customer: ada, amount: 1}, {customer: eve, amount: 2}]}"
    test = f"    tests: [{{name: one, {given}, expect: [{{customer: ada}}, {{customer: eve}}]}}]\n"
    (shop.root / FILE).write_text((shop.root / FILE).read_text() + test)
    (shop.root / "lake/orders/1.csv").unlink()
    edits(BIGGER)(shop)

    (each,) = found(etl("diff", "--examples", "--format", "json"))

    assert each["counts"]["changed"] == 2
    assert each["largest"][0][:4] == ["eve", "amount", "2.00", "4.00"]


def test_a_key_that_repeats_is_none(shop: Folder, etl: Etl) -> None:
    edits(BIGGER, (SQL, "GROUP BY customer", "GROUP BY customer, order_id"))(shop)
    change(shop, SQL, "COUNT(*)", "1")

    (each,) = found(etl("diff", "--date", DAY, "--format", "json"))

    assert each["counts"] == {"before": 2, "after": 3, "added": 3, "removed": 2, "changed": 0}


def test_sensitive_values_are_not_on_the_card(shop: Folder, etl: Etl) -> None:
    (shop.root / FILE).write_text(
        ORDERS.replace("kpis:", TRANSFORM).replace("(20)}", "(20), sensitive: true}", 1)
    )
    edits(BIGGER)(shop)

    done = etl("diff", "--date", DAY)

    assert "| amount | sum |" in done.stdout
    assert "bob" not in done.stdout


def test_who_waits_for_it_is_told(shop: Folder, etl: Etl) -> None:
    text = (shop.root / FILE).read_text()
    later = text.replace("name: orders", "name: later\nafter: [orders.totals]", 1)
    shop.write("pipelines/later.yml", later.replace("table: totals", "table: later"))
    edits(BIGGER)(shop)

    card = etl("diff", "orders", "--date", DAY).stdout

    assert "DAGs: `orders`, and `later`, which waits for it." in card


def test_a_pipeline_that_is_gone(shop: Folder, etl: Etl) -> None:
    text = (shop.root / FILE).read_text().replace("name: orders", "name: other", 1)
    (shop.root / FILE).unlink()
    shop.write("pipelines/other.yml", text.replace("table: totals", "table: other"))

    card = etl("diff", "--date", DAY).stdout

    assert "### other.totals: new, 2 rows" in card
    assert "### orders.totals: removed, 2 rows" in card


def test_a_base_that_was_broken(shop: Folder, etl: Etl) -> None:
    right = (shop.root / FILE).read_text()
    shop.write(FILE, right.replace("schedule", "shedule"))
    commit(shop)
    shop.write(FILE, right)

    done = etl("diff", "--date", DAY)

    assert done.returncode == 1
    assert "totals: could not be compared: the files at the base are wrong: " in done.stdout
    assert "unknown key 'shedule'" in done.stdout


def test_a_base_without_a_project(orders: Folder, etl: Etl) -> None:
    (orders.root / "pipelines").rename(orders.root / "aside")
    commit(orders)
    (orders.root / "aside").rename(orders.root / "pipelines")

    assert "### orders.totals: new, 2 rows" in etl("diff", "--date", DAY).stdout


def test_data_that_is_not_there(shop: Folder, etl: Etl) -> None:
    (shop.root / "lake/orders/1.csv").unlink()
    edits(BIGGER)(shop)

    done = etl("diff")

    assert done.returncode == 1
    assert "totals: could not be compared: no file matches" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--base", "nowhere"], "git rev-parse", id="no such revision"),
        pytest.param(["--base", "--all"], "'--all' is not a revision", id="an option of git"),
        pytest.param(["ordrs"], "did you mean 'orders'?", id="no such pipeline"),
        pytest.param(["--date", "soon"], "'soon' is not a date", id="no such day"),
    ],
)
def test_what_cannot_be_done(shop: Folder, etl: Etl, arguments: list[str], words: str) -> None:
    done = etl("diff", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_files_that_are_wrong_now(shop: Folder, etl: Etl) -> None:
    change(shop, SQL, "customer,", "custmer,")
    done = etl("diff")

    assert (done.returncode, "unknown column 'custmer'" in done.stderr) == (2, True)


def test_outside_of_git(orders: Folder, etl: Etl) -> None:
    done = etl("diff")

    assert (done.returncode, "not a git repository" in done.stderr) == (2, True)


WINDOW = """
name: window
schedule: "@daily"
sources:
  hits:
    type: csv
    connection: lake
    path: hits/{{ interval.date }}.csv
    columns:
      - {name: n, type: integer}
kpis:
  daily:
    sql: window/daily.sql
    target: {connection: warehouse, table: daily, strategy: append}
    columns:
      - {name: n, type: integer}
  summed:
    sql: window/summed.sql
    reads: {daily: 2d}
    target: {connection: warehouse, table: summed, strategy: append}
    columns:
      - {name: total, type: bigint}
"""


def test_another_window_of_what_is_read(folder: Folder, etl: Etl) -> None:
    """Nothing but `reads` has changed, and both sides have the rows of their own window."""
    folder.write("pipelines/window.yml", WINDOW)
    folder.write("sql_templates/window/daily.sql", "SELECT n FROM hits\n")
    folder.write("sql_templates/window/summed.sql", "SELECT SUM(n) AS total FROM daily\n")
    folder.write(".gitignore", ".etl/\n")
    for day, n in ((1, 100), (2, 20), (3, 3)):
        folder.write(f"lake/hits/2024-06-0{day}.csv", f"n\n{n}\n")
    assert etl("run", "window", "--from", "2024-06-01", "--to", "2024-06-03").returncode == 0
    commit(folder)
    for reads, total in (("3d", 123), ("all", 123)):
        text = WINDOW.replace("daily: 2d", f"daily: {reads}")
        if reads == "all":
            text = text.replace("table: summed, strategy: append", "table: summed")
        folder.write("pipelines/window.yml", text)

        done = etl("diff", "--date", "2024-06-03")
        told = done.stdout + done.stderr

        assert "window.summed: " in told and "Changed: `summed`" in told, told
        assert "window.daily" not in told
        assert f"| 23 | {total} |" in told or f"total | sum | 23 | {total} |" in told, told
