"""`etl sql`: a question to sources, KPIs and published tables."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, Folder, in_postgres

OTHER = (
    ORDERS.replace("name: orders\n", "name: others\n")
    .replace("  totals:", "  sums:")
    .replace("table: totals", "table: sums")
)


def asked(etl: Etl, sql: str, *more: str) -> list[dict[str, object]]:
    done = etl("sql", sql, "--format", "json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_source_a_kpi_and_its_table(orders: Folder, etl: Etl) -> None:
    """The KPI is what its SQL gives now, its table what was published."""
    orders.run("orders")
    template = orders.root / "sql_templates/orders/totals.sql"
    template.write_text(template.read_text().replace("COUNT(*)", "10 * COUNT(*)"))

    assert asked(etl, "SELECT COUNT(*) AS n FROM orders WHERE amount > 6") == [{"n": 2}]
    both = (
        "SELECT now.customer, now.orders AS now, was.orders AS was "
        "FROM totals AS now JOIN target.totals AS was ON was.customer = now.customer ORDER BY 1"
    )
    assert asked(etl, both) == [
        {"customer": "ada", "now": 20, "was": 2},
        {"customer": "bob", "now": 10, "was": 1},
    ]
    assert asked(etl, "SELECT totals.orders FROM target.totals ORDER BY 1") == [
        {"orders": 1},
        {"orders": 2},
    ]


def test_it_means_what_a_template_means(orders: Folder, etl: Etl) -> None:
    """Integers divide as integers, decimals exactly, and the data interval has its values."""
    orders.run("orders")
    sql = (
        "WITH a AS (SELECT order_id / 2 AS half, DATEDIFF(day, {{ interval.start }}, ordered_at) AS"
        " days, NVL(amount, 0) AS amount FROM orders) SELECT * FROM a ORDER BY amount LIMIT 1"
    )
    assert asked(etl, sql, "--date", "2024-06-25") == [{"half": 1, "days": 1, "amount": "5.25"}]


def test_before_a_run_the_source_is_read(orders: Folder, etl: Etl) -> None:
    assert asked(etl, "SELECT COUNT(*) AS n FROM orders", "--date", "2024-06-25") == [{"n": 3}]
    done = etl("sql", "SELECT * FROM target.totals")
    assert done.returncode == 1 and "run a pipeline first" in done.stderr


def test_a_table_of_another_database(orders: Folder, etl: Etl, postgres: str) -> None:
    in_postgres(orders, postgres)
    orders.run("orders")
    assert asked(etl, "SELECT SUM(amount) AS sum FROM target.totals") == [{"sum": "35.75"}]


def test_a_column_that_the_table_does_not_have_yet(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    file, template = (
        orders.root / name for name in ("pipelines/orders.yml", "sql_templates/orders/totals.sql")
    )
    file.write_text(file.read_text() + "      - {name: least, type: integer}\n")
    template.write_text(template.read_text().replace(" AS amount", " AS amount, 1 AS least"))

    found = asked(etl, "SELECT orders, least FROM target.totals ORDER BY 1")
    assert found == [{"orders": 1, "least": None}, {"orders": 2, "least": None}]


def test_two_pipelines(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/others.yml", OTHER)
    orders.run("orders")
    orders.run("others")

    assert asked(
        etl, "SELECT COUNT(*) AS n FROM sums JOIN target.totals AS t USING (customer)"
    ) == [{"n": 2}]
    done = etl("sql", "SELECT * FROM orders")
    assert done.returncode == 2
    assert "orders and others have 'orders'\n  hint: say whose you mean: --in" in done.stderr
    assert len(asked(etl, "SELECT * FROM orders", "--in", "others")) == 3
    done = etl("sql", "SELECT * FROM sums JOIN totals USING (customer)")
    assert "no pipeline has 'sums', 'totals'" in done.stderr


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT * FROM order", "query:1:15: E4"),
        ("SELECT *\nFROM ordrs", "query:2:6: E411 unknown relation 'ordrs'\n  hint: did you mean"),
        ("SELECT amont FROM orders", "query:1:8: E413 unknown column 'amont'"),
        ("SELECT * FROM target.total", "no pipeline has a KPI 'total'"),
        ("SELECT STRING_AGG(customer) FROM orders", "query:1:8: E416"),
        ("DELETE FROM orders", "query:1:1: E4"),
        ("SELECT * FROM read_csv('/etc/passwd')", "query:1:15: E4"),
        ("SELECT CAST(customer AS integer) FROM orders", "query:1:1: E415"),
        ("SELECT {{ interval.strat }} FROM orders", "query:1:"),
        ("", "query:1:1: E4"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(orders: Folder, etl: Etl, sql: str, told: str) -> None:
    done = etl("sql", sql, "--date", "2024-06-25")

    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_long_answer_says_that_it_is_cut(orders: Folder, etl: Etl) -> None:
    sql = "SELECT a.order_id FROM orders AS a, orders AS b, orders AS c"
    done = etl("sql", sql, "--date", "2024-06-25")

    assert "the first 20 rows; --limit 0 prints all" in done.stderr
    assert len(asked(etl, sql, "--date", "2024-06-25")) == 27


def test_the_history_of_runs(orders: Folder, etl: Etl) -> None:
    """Also of those that no warehouse has taken."""
    orders.run("orders")
    (orders.root / "lake/orders/new.csv").write_text("order_id\n1\n")
    etl("run", "orders", "--date", "2024-06-26")

    runs = "SELECT state, rows_read, error FROM history.runs ORDER BY started_at"
    first, second = asked(etl, runs)
    assert first == {"state": "done", "rows_read": 3, "error": ""}
    assert (second["state"], second["error"] != "") == ("failed", True)
    both = (
        "SELECT c.check_name, r.state FROM history.checks AS c JOIN history.runs AS r"
        " ON r.record = c.record WHERE c.relation = 'orders'"
    )
    assert asked(etl, both) == [{"check_name": "required", "state": "done"}]
    done = etl("sql", "SELECT * FROM history.run")
    assert done.returncode == 2
    assert "the history has no table 'run'" in done.stderr


def test_a_history_of_nothing(orders: Folder, etl: Etl) -> None:
    assert asked(etl, "SELECT COUNT(*) AS n FROM history.runs") == [{"n": 0}]
