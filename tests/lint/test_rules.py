"""What each rule finds, where exactly, and what it leaves alone, in the project of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lint.test_pages import BASE, linted

PIPELINE, ENVIRONMENTS = "pipelines/orders.yml", "environments.yml"
SOLD, BY_COUNTRY = "sql_templates/orders/sold.sql", "sql_templates/orders/by_country.sql"
Find = Callable[..., list[str]]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Place and code of what one change of the clean project leads to, in that file."""
    root = shutil.copytree(BASE, tmp_path / "project")

    def run(path: str, old: str, new: str, *codes: str) -> list[str]:
        file = root / path
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        assert old in text
        file.write_text(text.replace(old, new) if old else new, encoding="utf-8")
        found = [each for each in linted(root) if not codes or each.code in codes]
        return [f"{each.line}:{each.column} {each.code}" for each in found if each.path == path]

    return run


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT customer, amount, items FROM orders", []),
        ("SELECT customer, amount,\n  items::int AS items FROM orders AS list", []),
        ("SELECT customer, NVL(amount, 0) AS amount, items FROM orders -- IFNULL(1)", []),
        ("SELECT customer, amount, items FROM orders WHERE customer = 'string_agg(x)'", []),
        ("SELECT DISTINCT customer, amount, items FROM orders", []),
        ("SELECT customer, MODE() WITHIN GROUP (ORDER BY amount) AS amount, 1 AS items\n"
         "FROM orders GROUP BY 1", ["1:18 E416"]),
        ("SELECT customer, IFNULL(amount, 0) AS amount,\n  IfNull(items, 0) AS items FROM orders",
         ["1:18 E416", "2:3 E416"]),
        ("SELECT customer, COUNT(*) FILTER (WHERE amount > 1) AS amount, 1 AS items\n"
         "FROM orders GROUP BY 1", ["1:27 E416"]),
        ("SELECT customer, amount, items FROM orders\nWHERE amount IS NOT DISTINCT FROM 3",
         ["2:21 E416"]),
        ("SELECT DISTINCT ON (customer) customer, amount, items FROM orders ORDER BY 1, 2",
         ["1:8 E416"]),
        ("SELECT customer, amount, items FROM orders\nEXCEPT ALL SELECT customer, amount, items "
         "FROM orders", ["2:1 E416"]),
        ("SELECT customer, amount, items FROM orders ANTI JOIN customers USING (customer)",
         ["1:44 E416"]),
        ("SELECT customer, amount,\n  COUNT(DISTINCT items) OVER (PARTITION BY customer) AS items\n"
         "FROM orders", ["2:3 E416"]),
        ("SELECT customer, amount, items FROM orders\n"
         "WHERE ordered_at < GETDATE() - INTERVAL 30 DAY", ["2:32 E416"]),
        ("SELECT customer, amount, items FROM orders\n"
         "WHERE ordered_at < GETDATE() - INTERVAL '30' DAYS", ["2:32 E416"]),
        ("SELECT customer, amount, items FROM orders\n"
         "WHERE ordered_at < GETDATE() - INTERVAL '30' DAY", []),
        ("SELECT customer, amount, items FROM orders\n"
         "WHERE ordered_at < GETDATE() - INTERVAL '30 days'", []),
    ],
)  # fmt: skip
def test_what_redshift_has_not(find: Find, sql: str, found: list[str]) -> None:
    assert find(SOLD, "", sql, "E416") == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT c.customer, SUM(o.amount) AS amount,\n  COUNT(*) AS items\nFROM customers AS c\n"
         "LEFT JOIN orders AS o ON o.customer = c.customer GROUP BY c.customer", ["2:3 W411"]),
        ("SELECT c.customer, SUM(o.amount) AS amount, COUNT(o.order_id) AS items\n"
         "FROM customers AS c LEFT JOIN orders AS o ON o.customer = c.customer GROUP BY 1", []),
        ("SELECT o.customer, SUM(o.amount) AS amount, COUNT(*) AS items\n"
         "FROM orders AS o LEFT JOIN customers AS c ON c.customer = o.customer GROUP BY 1", []),
        ("SELECT c.customer, SUM(o.amount) AS amount, COUNT(*) AS items FROM customers AS c\n"
         "LEFT JOIN orders AS o ON o.customer = c.customer WHERE o.amount IS NOT NULL GROUP BY 1",
         []),
        ("SELECT c.customer, SUM(o.amount) AS amount, COUNT(*) AS items FROM customers AS c\n"
         "LEFT JOIN orders AS o ON o.customer = c.customer WHERE o.order_id IS NULL GROUP BY 1",
         ["1:45 W411"]),
        ("SELECT c.customer, SUM(o.amount) AS amount, COUNT(*) AS items FROM customers AS c\n"
         "LEFT JOIN orders AS o ON UPPER(o.customer) = c.customer GROUP BY 1", []),
        ("SELECT o.customer, o.amount,\n  SUM(amount) OVER (PARTITION BY o.customer) / COUNT(*) "
         "OVER (PARTITION BY o.customer) AS items FROM orders AS o", []),
        ("SELECT customer, SUM(amount) / COUNT(*) AS amount, 1 AS items FROM orders GROUP BY 1",
         ["1:32 W412"]),
        ("SELECT customer, SUM(amount) / NULLIF(COUNT(amount), 0) AS amount, 1 AS items\n"
         "FROM orders GROUP BY 1", []),
        ("SELECT customer, 1.0 * SUM(items) / COUNT(*) AS amount, 1 AS items\n"
         "FROM orders GROUP BY 1", []),
        ("SELECT c.customer, o.amount, o.items FROM customers AS c\n"
         "LEFT JOIN orders AS o ON o.customer = c.customer\nWHERE o.amount > 3", ["3:7 W413"]),
        ("SELECT c.customer, o.amount, o.items FROM customers AS c\n"
         "LEFT JOIN orders AS o ON o.customer = c.customer\n"
         "WHERE c.country = 'DE' AND (o.amount > 3 OR o.amount IS NULL)", []),
        ("SELECT c.customer, o.amount, o.items FROM customers AS c\n"
         "LEFT JOIN orders AS o ON o.customer = c.customer WHERE COALESCE(o.amount, 0) > 3", []),
        ("SELECT customer, 1 AS amount, 2 AS items FROM orders\nWHERE customer NOT IN "
         "(SELECT country FROM customers)", ["2:7 W409"]),
        ("SELECT customer, 1 AS amount, 2 AS items FROM orders\nWHERE customer NOT IN "
         "(SELECT customer FROM customers)", []),
    ],
)  # fmt: skip
def test_missing_values_where_they_matter(find: Find, sql: str, found: list[str]) -> None:
    assert find(SOLD, "", sql, "W409", "W411", "W412", "W413") == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT a.customer, a.amount, a.items FROM orders AS a\n"
         "JOIN orders AS b ON b.items = a.items", ["2:6 W407"]),
        ("SELECT a.customer, a.amount, a.items FROM orders AS a\n"
         "JOIN orders AS b ON b.order_id = a.order_id", []),
        ("SELECT o.customer, o.amount, o.items FROM orders AS o\n"
         "JOIN customers AS c ON c.customer = o.customer", []),
        ("SELECT c.customer, SUM(LENGTH(c.country)) AS amount, COUNT(*) AS items\n"
         "FROM customers AS c JOIN orders AS o ON o.customer = c.customer GROUP BY 1",
         ["1:20 W414"]),
        ("SELECT c.customer, SUM(o.amount) AS amount, COUNT(*) AS items\n"
         "FROM customers AS c JOIN orders AS o ON o.customer = c.customer GROUP BY 1", []),
        ("SELECT c.customer, SUM(CASE WHEN c.country = 'DE' THEN 1 ELSE 0 END) AS amount,\n"
         "COUNT(*) AS items FROM customers AS c JOIN orders AS o ON o.customer = c.customer\n"
         "GROUP BY 1", []),
        ("SELECT o.customer, SUM(LENGTH(c.country)) AS amount, COUNT(*) AS items\n"
         "FROM orders AS o JOIN customers AS c ON o.customer = c.customer GROUP BY 1", []),
        ("SELECT o.customer, o.amount, o.items FROM orders AS o, customers AS c", ["1:56 W406"]),
        ("SELECT o.customer, o.amount, o.items\nFROM orders AS o\n"
         "CROSS JOIN (SELECT COUNT(*) AS n FROM customers) AS c", []),
    ],
)  # fmt: skip
def test_joins(find: Find, sql: str, found: list[str]) -> None:
    assert find(SOLD, "", sql, "W406", "W407", "W414") == found


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("c.country,", "CASE WHEN c.country = 'DE' THEN 'Germany' ELSE 'x' END AS "
                     "country,", ["2:37 W410"], id="a text that stands there"),
        pytest.param("c.country,", "COALESCE(c.country, 'ö') AS country,", [], id="of two bytes"),
        pytest.param("c.country,", "COALESCE(c.country, 'öö') AS country,", ["2:25 W410"],
                     id="of four bytes"),
        pytest.param("c.country,", "s.customer AS country,", ["2:5 W410"], id="a source's text"),
        pytest.param("c.country,", "LEFT(s.customer, 2) AS country,", [], id="a text that is cut"),
    ],
)  # fmt: skip
def test_texts_that_do_not_fit(find: Find, old: str, new: str, found: list[str]) -> None:
    assert find(BY_COUNTRY, old, new, "W410") == found


@pytest.mark.parametrize(
    ("column", "declared", "found"),
    [
        ("bigint}\n      - {name: paid", "integer}\n      - {name: paid", ["1:8 W415"]),
        ('paid, type: "decimal(12,2)"', 'paid, type: "decimal(14,4)"', []),
        ('paid, type: "decimal(12,2)"', 'paid, type: "decimal(12,3)"', ["1:18 W415"]),
        ('paid, type: "decimal(12,2)"', "paid, type: double precision", []),
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit(
    find: Find, tmp_path: Path, column: str, declared: str, found: list[str]
) -> None:
    find("pipelines/later.yml", column, declared)
    sql = "sql_templates/later/totals.sql"

    assert find(sql, "SELECT", "SELECT", "W415") == found


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        pytest.param(PIPELINE, "    type: postgres", "    type:\u00a0postgres", ["19:10 W101"],
                     id="a space that is none"),
        pytest.param(PIPELINE, "name: orders\n", "name: orders\ndescription: 10\u00a0000 a day\n",
                     [], id="one in a text"),
        pytest.param(PIPELINE, "name: orders\n", "name: orders # \u202eevil\n", ["1:16 W101"],
                     id="a text that turns"),
        pytest.param(SOLD, "orders", "or\u200bders", ["2:8 W101"], id="no width"),
        pytest.param(SOLD, "SELECT", "-- 10\u00a0000\nSELECT", [], id="a space in a comment"),
        pytest.param(SOLD, "customer", "'a\u00a0b' AS customer", [], id="a space in a text"),
        pytest.param(SOLD, "customer", "'👩\u200d🎤' AS customer", [], id="a joiner in an emoji"),
        pytest.param(SOLD, "FROM", "\tFROM", [], id="a tab in SQL is white space"),
    ],
)  # fmt: skip
def test_characters(find: Find, path: str, old: str, new: str, found: list[str]) -> None:
    assert find(path, old, new, "W101") == found


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        (SOLD, "customer,", "{% if false %}{{ interval.__class__ }}{% endif %} customer,",
         ["1:34 E703"]),
        (SOLD, "customer,", "{{ params['__class__'] }},", ["1:18 E703"]),
        (SOLD, "customer,", "{{ ''|attr('__class__') }},", ["1:19 E703"]),
        (SOLD, "customer,", "{% set _x = 1 %}customer,", []),
        (SOLD, "customer,", "customer, '_x' AS y_,", []),
        (PIPELINE, "orders/*.csv", '"orders/{{ interval.__class__ }}/*.csv"', ["7:31 E703"]),
        (PIPELINE, "orders/*.csv", '"{{ interval.dat }}/*.csv"', ["7:12 E316"]),
        (PIPELINE, "orders/*.csv", "\"{% include 'x' %}/*.csv\"", ["7:12 E316"]),
        (PIPELINE, "orders/*.csv", '"{{ 5 | truncate }}/*.csv"', ["7:12 E316"]),
        (PIPELINE, "orders/*.csv", '"{{ interval.date }}/*.csv"', []),
        (ENVIRONMENTS, "env.RDS_URL", "env.__init__", ["7:42 E703"]),
        (ENVIRONMENTS, "env.RDS_URL", "vars.rds", ["7:35 E317"]),
        (ENVIRONMENTS, "env.RDS_URL", "var.rds", []),
    ],
)  # fmt: skip
def test_what_templates_reach_for(
    find: Find, path: str, old: str, new: str, found: list[str]
) -> None:
    assert find(path, old, new, "E703", "E316", "E317") == found


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        (ENVIRONMENTS, "path: lake", "path: ../lake", ["6:37 E702"]),
        (ENVIRONMENTS, "path: lake", "path: a/../lake", []),
        (ENVIRONMENTS, "path: lake", "path: /srv/lake", []),
        (ENVIRONMENTS, ".etl/staging", "s3://b/../x", []),
        (PIPELINE, "sold: {sql: orders/sold.sql}", "sold: {python: 'functions:slod', inputs: "
         "[orders], columns: [{name: customer, type: varchar(20)}]}", ["26:29 E318"]),
        (PIPELINE, "sold: {sql: orders/sold.sql}", "sold: {python: 'functions:sold', inputs: "
         "[orders], columns: [{name: customer, type: varchar(20)}]}", []),
        (PIPELINE, "sold: {sql: orders/sold.sql}", "sold: {python: 'json:dumps', inputs: "
         "[orders], columns: [{name: customer, type: varchar(20)}]}", []),
        (PIPELINE, "sold: {sql: orders/sold.sql}", "sold: {python: 'nowhere:dumps', inputs: "
         "[orders], columns: [{name: customer, type: varchar(20)}]}", ["26:18 W307"]),
    ],
)  # fmt: skip
def test_paths_and_functions(find: Find, path: str, old: str, new: str, found: list[str]) -> None:
    assert find(path, old, new, "E702", "E318", "W307") == found


@pytest.mark.parametrize(
    ("new", "found"),
    [
        ("max_active_runs: 2\n", ["36:13 W306"]),
        ("max_active_runs: 3\n", ["3:18 W505", "36:13 W306"]),
        ("max_active_runs: 3\npool: small\n", ["37:13 W306"]),
        ("catchup: true\n", ["3:10 W503"]),
        ("catchup: true\nstart_date: 2024-01-01\n", []),
        ("deadline: 2h\n", []),
        ("after: [later.totals]\n", ["3:9 E503"]),
    ],
)
def test_runs(find: Find, new: str, found: list[str]) -> None:
    assert find(PIPELINE, 'schedule: "@daily"\n', 'schedule: "@daily"\n' + new) == found


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        (PIPELINE, '"@daily"', '"*/4 * * * *"', ["2:11 W503"]),
        (PIPELINE, '"@daily"', '"*/5 * * * *"', []),
        (PIPELINE, '"@daily"', '"@daily"\ndeadline: 2h\n#', []),
        (PIPELINE, "path: orders/*.csv", "path: orders/*.csv\n    wait: 25h", ["8:11 W504"]),
        (PIPELINE, "path: orders/*.csv", "path: orders/*.csv\n    wait: 6h", []),
        ("requirements.txt", "", "# ours\n-c x.txt\npandas\n  pydantic < 2  # old\n./w.whl\n",
         ["4:3 W506"]),
        ("requirements.txt", "", "pydantic[email]>=2\napache-airflow==2.9.0\n", ["2:1 W506"]),
    ],
)  # fmt: skip
def test_amazon_mwaa(find: Find, path: str, old: str, new: str, found: list[str]) -> None:
    assert find(path, old, new, "W503", "W504", "W505", "W506") == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ('"MERGE INTO t AS x USING s ON x.a = s.a REMOVE DUPLICATES"', ["3:54 E504"]),
        ('"""\n  MERGE INTO a.t x USING s\n  ON x.a = s.a REMOVE DUPLICATES"""', ["4:18 E504"]),
        ('"MERGE INTO a.t USING s ON t.a = s.a REMOVE DUPLICATES"', []),
        ('"TRUNCATE t"', ["3:41 E504"]),
        ('"DELETE FROM t AS x"', []),
    ],
)
def test_statements_of_dag_files(find: Find, sql: str, found: list[str]) -> None:
    operator = f"a.RedshiftSqlOperator(task_id='t', sql={sql})"
    source = f"import etl_framework.airflow as a\na.load_dag('orders', {{}})\n{operator}\n"

    assert find("dags/orders.py", "", source) == found


def test_a_pipeline_of_two_dag_files(find: Find) -> None:
    source = (BASE / "dags/orders.py").read_text()

    assert find("dags/again.py", "", source) == []
    assert find("dags/orders.py", "", source) == ["3:10 E505"], "the second in their order"


@pytest.mark.parametrize(
    ("path", "old", "new", "found"),
    [
        (SOLD, "SELECT", "-- postgresql://me:pw@db/x\nSELECT", ["1:4 E701"]),
        (SOLD, "SELECT", "-- postgresql://me@db/x, 12:30 a@b\nSELECT", []),
        ("dags/orders.py", "load_dag(", "KEY = 'AKIAIOSFODNN7EXAMPLE'\nload_dag(", ["3:8 E701"]),
        (PIPELINE, "name: orders\n", "name: orders\ndescription: https://hooks.slack.com/services/"
         "T0/B0/x\n", ["2:14 E701"]),
        (ENVIRONMENTS, '"{{ env.RDS_URL }}"', "postgresql://me:pw@db/x", ["7:34 E701"]),
        (ENVIRONMENTS, '"{{ env.RDS_URL }}"', "postgresql://me@db/x?sslmode=prefer",
         ["7:34 W702"]),
        (ENVIRONMENTS, '"{{ env.RDS_URL }}"', "postgresql://me@db/x?sslmode=verify-full", []),
    ],
)  # fmt: skip
def test_secrets(find: Find, path: str, old: str, new: str, found: list[str]) -> None:
    assert find(path, old, new) == found


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT c.customer, 1 AS amount, 2 AS items FROM customers AS c\n"
         "JOIN customers AS c ON c.customer = c.customer", ["2:19 E414"]),
        ("SELECT 1 AS customer, 1 AS amount, 2 AS items FROM orders,\n  Orders", ["2:3 E414"]),
        ("SELECT o.customer, 1 AS amount, 2 AS items FROM orders AS o WHERE EXISTS\n"
         "(SELECT 1 FROM orders AS o WHERE o.items > 1)", []),
    ],
)  # fmt: skip
def test_two_tables_of_one_name(find: Find, sql: str, found: list[str]) -> None:
    assert find(SOLD, "", sql, "E414") == found


def test_two_names_of_one_database(find: Find) -> None:
    find(ENVIRONMENTS, ".etl/other.duckdb", ".etl/warehouse.duckdb")
    other = find("pipelines/later.yml", "warehouse, table: totals", "other, table: main.BY_COUNTRY")

    assert other == []
    assert find(PIPELINE, "name: orders", "name: orders") == ["35:44 E307"]


def test_two_files_of_one_pipeline(find: Find, tmp_path: Path) -> None:
    text = (BASE / PIPELINE).read_text()

    assert "1:7 E306" in find("pipelines/orders.yaml", "", text) + find(PIPELINE, "", text)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ("amount / items", ["1:27 W403"]),
        ("CASE WHEN items = 0 THEN 0 ELSE amount / items END", []),
        ("CASE WHEN items > 0 THEN amount / items END", []),
        ("CASE WHEN amount > 0 THEN amount / items END", ["1:53 W403"]),
        ("amount / GREATEST(items, 1)", []),
        ("amount / 100.0 + amount / NULLIF(items, 0)", []),
        ("items / 2", []),
        ("SUM(items) OVER (PARTITION BY customer) / COUNT(*) OVER (PARTITION BY customer)",
         ["1:18 W404"]),
        ("COUNT(*) OVER (PARTITION BY customer) / 7.0", []),
    ],
)  # fmt: skip
def test_divisions(find: Find, made: str, found: list[str]) -> None:
    sql = f"SELECT customer, {made} AS amount, items FROM orders"

    assert find(SOLD, "", sql, "W403", "W404") == found


GOOD = (Path(__file__).parent.parent / "cases" / "good.sql").read_text(encoding="utf-8")


@pytest.mark.parametrize("sql", GOOD.split(";\n"), ids=lambda sql: sql.strip()[:60])
def test_a_query_that_is_right_leads_to_no_finding(find: Find, sql: str) -> None:
    assert find(SOLD, "", sql) == []


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ("TO_CHAR(ordered_at, 'YYYY')", ["1:18 W408"]),
        ("CAST(ordered_at AS DATE)", ["1:18 W408"]),
        ("DATE_TRUNC('day', ordered_at)", ["1:18 W408"]),
        ("DATEDIFF(day, ordered_at, ordered_at)", ["1:18 W408"]),
        ("DATEDIFF(second, ordered_at, ordered_at)", []),
        ("DATE_TRUNC('day', ordered_at AT TIME ZONE 'Europe/Berlin')", []),
        ("CAST(ordered_at AT TIME ZONE 'UTC' AS DATE)", []),
        ("GETDATE()", ["1:18 W405"]),
        ("CURRENT_DATE", ["1:18 W405"]),
        ("{{ interval.end }}", []),
    ],
)
def test_moments(find: Find, made: str, found: list[str]) -> None:
    sql = f"SELECT customer, {made} AS amount, items FROM orders"

    assert find(SOLD, "", sql, "W405", "W408") == found
