"""Compiled SQL: types of results, contracts, and what a template cannot reach."""

from __future__ import annotations

import pytest

from etl_framework.columns import ColumnType
from etl_framework.plan.compilation import Compilation
from etl_framework.plan.compile import compile_queries
from etl_framework.plan.contract import fits
from etl_framework.project.project import load_project
from tests.conftest import Folder


def compiled(folder: Folder, sql: str) -> Compilation:
    folder.write("sql_templates/orders/totals.sql", sql)
    project = load_project(folder.root)
    return compile_queries(project.root, project.pipeline("orders"), folder.interval("orders"))


def test_columns_are_those_of_the_contract(orders: Folder) -> None:
    sql = "SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM orders GROUP BY customer"
    result = compiled(orders, sql)

    assert result.diagnostics == []
    assert result.queries["totals"].inputs == ("orders",)
    assert result.queries["totals"].columns == (
        ("customer", "VARCHAR"), ("orders", "INTEGER"), ("amount", "DECIMAL(12,2)"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        "read_csv('/etc/passwd')", "read_text('/etc/passwd')", "glob('/*')", "'/etc/passwd'",
        '"/etc/passwd"', "duckdb_settings()", "information_schema.tables", "pg_catalog.pg_class",
        "sqlite_master",
    ],
)  # fmt: skip
def test_sql_reaches_relations_of_the_pipeline_only(orders: Folder, table: str) -> None:
    found = compiled(orders, f"SELECT 'a' AS customer, 1 AS orders, 1.0 AS amount FROM {table}")

    assert [each.code for each in found.diagnostics] in (["E411"], ["E410"], ["E416"])


@pytest.mark.parametrize(
    "path", ["../environments.yml", "/etc/passwd", "orders/../../pipelines/orders.yml"]
)
def test_a_template_stays_in_its_folder(orders: Folder, path: str) -> None:
    file = orders.root / "pipelines/orders.yml"
    orders.write("pipelines/orders.yml", file.read_text("utf-8").replace("orders/totals.sql", path))
    (found,) = compiled(orders, "SELECT 1").diagnostics

    assert (found.code, found.line, found.column) == ("E302", 16, 10)
    assert "leads out of sql_templates/" in found.message


def test_a_name_that_is_too_long_for_a_file_is_not_there(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    long = "x" * 300 + ".sql"
    orders.write("pipelines/orders.yml", file.read_text("utf-8").replace("orders/totals.sql", long))
    (found,) = compiled(orders, "SELECT 1").diagnostics

    assert (found.code, found.line, found.column) == ("E302", 16, 10)


def test_a_link_out_of_the_folder_is_refused(orders: Folder) -> None:
    path = orders.root / "sql_templates/orders/totals.sql"
    path.unlink()
    path.symlink_to("/etc/hostname")
    project = load_project(orders.root)
    interval = orders.interval("orders")
    found = compile_queries(project.root, project.pipeline("orders"), interval).diagnostics

    assert [each.code for each in found] == ["E302"]


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        pytest.param("INTEGER", "bigint", True, id="a larger integer"),
        pytest.param("HUGEINT", "integer", True, id="a sum of integers"),
        pytest.param("DOUBLE", "decimal(10,2)", True, id="a number"),
        pytest.param("VARCHAR", "integer", False, id="a text is no number"),
        pytest.param("INTEGER", "varchar(10)", False, id="a number is no text"),
        pytest.param("DATE", "timestamp", False, id="a date is no timestamp"),
        pytest.param("TIMESTAMP WITH TIME ZONE", "timestamptz", True, id="with its zone"),
        pytest.param("TIMESTAMP WITH TIME ZONE", "timestamp", False, id="a zone is not dropped"),
        pytest.param("BOOLEAN", "integer", False, id="a boolean is no number"),
        pytest.param('"NULL"', "date", True, id="NULL is anything"),
        pytest.param("INTEGER[]", "varchar(10)", False, id="a list is nothing"),
    ],
)
def test_fits(given: str, wanted: str, expected: bool) -> None:
    assert fits(given, ColumnType.parse(wanted)) is expected


def test_what_only_the_planner_finds_is_reported(orders: Folder) -> None:
    sql = "SELECT customer, CRC32(customer) AS orders, amount FROM orders"
    (found,) = compiled(orders, sql).diagnostics

    assert (found.path, found.code) == ("sql_templates/orders/totals.sql", "E415")
    assert found.message.startswith("CRC32 is computed by Redshift only")
    assert "\n" not in found.message


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SELECT customer FROM orders WHERE customer = \u2018x\u2019", "quotation mark of a text"),
        (
            "SELECT customer FROM orders WHERE customer = \u201cx\u201d AND",
            "quotation mark of a text",
        ),
        ("SELECT {{ interval.date }}_x AS a, b FROM orders", "{{ ident("),
        ("SELECT * FROM {{ ref('orders') }}", "FROM orders"),
        ("SELECT * FROM orders WHERE ordered_at < '{{ ds }}'", "{{ interval.date }}"),
    ],
)
def test_what_other_tools_write_is_told_with_the_way_out(
    orders: Folder, sql: str, hint: str
) -> None:
    assert hint in compiled(orders, sql).diagnostics[0].hint


@pytest.mark.parametrize(
    ("sql", "code", "offset"),
    [
        ("SELECT customer FROM orders WHERE ordered_at > 3", "E415", 34),
        ("SELECT customer FROM orders WHERE ordered_at > '31.01.2024'", "E415", 47),
        ("SELECT customer FROM orders WHERE order_id = 'x'", "E415", 45),
        ("SELECT CAST('2024-02-30' AS DATE) AS d FROM orders", "E415", 12),
    ],
)
def test_what_can_only_fail_is_told_at_its_place(
    orders: Folder, sql: str, code: str, offset: int
) -> None:
    problem, *_ = compiled(orders, sql).diagnostics

    assert (problem.code, problem.column) == (code, offset + 1)
