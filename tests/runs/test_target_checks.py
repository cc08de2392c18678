"""Checks `on: target`: the whole table as a run leaves it, before the transaction ends."""

from __future__ import annotations

import json
from subprocess import CompletedProcess

import pytest

from etl_framework.project.project import load_project
from tests.cli.conftest import Etl
from tests.conftest import Folder, bucket, in_postgres, in_the_cluster
from tests.runs.test_earlier import rows

SALES = """
name: sales
schedule: "@daily"
sources:
  sales:
    type: csv
    connection: lake
    path: sales/{{ interval.date }}.csv
    columns:
      - {name: id, type: integer, required: true}
      - {name: shop, type: varchar(20)}
      - {name: amount, type: integer}
kpis:
  sold:
    sql: sales/sold.sql
    target: {connection: warehouse, table: sold, strategy: append}
    columns:
      - {name: id, type: integer}
      - {name: shop, type: varchar(20)}
      - {name: amount, type: integer}
    checks:
      - {type: row_count, max: 4, on: target}
      - {type: accepted_range, column: amount, min: 0, on: target, where: "shop <> 'test'"}
      - {type: unique, columns: [id, shop], on: target}
      - {type: distinct_count, column: shop, max: 1, on: target, severity: warning}
"""


@pytest.fixture(params=["local", "postgres", "redshift"])
def sales(request: pytest.FixtureRequest, folder: Folder) -> Folder:
    folder.write("pipelines/sales.yml", SALES)
    folder.write("sql_templates/sales/sold.sql", "SELECT id, shop, amount FROM sales\n")
    if request.param == "postgres":
        in_postgres(folder, request.getfixturevalue("postgres"))
    if request.param == "redshift":
        request.getfixturevalue("stack")
        in_the_cluster(folder, "redshift")
    return folder


def deliver(folder: Folder, day: int, *lines: str) -> None:
    text = "\n".join(["id,shop,amount", *lines]) + "\n"
    folder.write(f"lake/sales/2024-06-0{day}.csv", text)
    if "s3" in (folder.root / "environments.yml").read_text():
        bucket().write(f"sales/2024-06-0{day}.csv", text.encode())


def test_a_rule_of_the_whole_table(sales: Folder, etl: Etl) -> None:
    deliver(sales, 1, "1,a,5", "2,b,7")
    deliver(sales, 2, "3,a,5", "4,a,-7", "1,a,3")

    first = etl("run", "sales", "--date", "2024-06-01")
    assert first.returncode == 0, first.stderr
    assert "distinct_count shop    warning  2 different values; wanted 1 or" in first.stdout
    (row,) = json.loads(etl("show", "ledger", "--format", "json").stdout)
    told = {check["check"]: check["status"] for check in row["checks"][1:]}
    assert told == {
        "row_count": "pass",
        "accepted_range amount": "pass",
        "unique id shop": "pass",
        "distinct_count shop": "warning",
    }

    second = etl("run", "sales", "--date", "2024-06-02")
    assert second.returncode == 1
    place = "pipelines/sales.yml:21:9: R320 check"
    assert f"{place} 'row_count' of the whole table sold failed: 5 rows; wanted" in second.stderr
    failed = "'accepted_range amount' of the whole table sold failed: 1 of 5 rows"
    assert failed in second.stderr
    assert "'unique id shop' of the whole table sold failed: 1 of 5 rows" in second.stderr
    assert rows(sales, "SELECT COUNT(*), MAX(id) FROM sold") == [(2, 2)]
    assert len(json.loads(etl("show", "ledger", "--format", "json").stdout)) == 1

    deliver(sales, 2, "3,a,5", "4,a,7")
    third = etl("run", "sales", "--date", "2024-06-02")
    assert third.returncode == 0, third.stderr
    assert rows(sales, "SELECT COUNT(*), MAX(id) FROM sold") == [(4, 4)]


def test_a_key_is_one_of_the_whole_table(sales: Folder, etl: Etl) -> None:
    """A check `unique` of the run's rows too, unless it says `on: rows`."""
    file = sales.root / "pipelines/sales.yml"
    file.write_text(SALES[: SALES.index("      - {type: row_count")] + "      - KEY\n")
    text = file.read_text()
    deliver(sales, 1, "1,a,5")
    deliver(sales, 2, "1,a,6")
    for key, code in (
        ("{type: unique, columns: [id]}", 1),
        ("{type: unique, columns: [id], on: rows}", 0),
    ):
        file.write_text(text.replace("KEY", key))
        assert etl("run", "sales", "--date", "2024-06-01").returncode == 0
        found = etl("run", "sales", "--date", "2024-06-02")
        assert found.returncode == code, found.stderr
        told = "rows for sold have the unique id of a row of another data interval: 1"
        assert (told in found.stderr) == bool(code)


COMPARED = (
    SALES[: SALES.index("    checks:")]
    + """\
    checks:
      - CHECK
  shops:
    sql: sales/shops.sql
    target: {connection: warehouse, table: TABLE, strategy: merge, unique_key: [shop]}
    columns:
      - {name: shop, type: varchar(20)}
      - {name: amount, type: integer}
"""
)
SHOPS = "SELECT shop, CAST(SUM(amount) AS INTEGER) AS amount FROM sales GROUP BY 1\n"
SPARE = """
WITH best AS (SELECT shop, amount FROM shops)
SELECT s.id, DATEDIFF(day, CAST('2024-06-01' AS DATE), {{ interval.date }}) AS late
FROM sold AS s JOIN best AS b ON b.shop = s.shop
WHERE s.amount > NVL(b.amount, 0) AND s.amount > {{ params.least }}
"""


@pytest.mark.parametrize("table", ["shops", "mart.all_shops"])
@pytest.mark.parametrize(
    ("check", "second", "told"),
    [
        pytest.param(
            "{type: relationships, column: shop, to: shops.shop, on: target}",
            "DELETE FROM {} WHERE shop = 'a'", "of the whole table sold failed: 1 of 2 rows",
            id="relationships",
        ),
        pytest.param(
            "{type: sum_equals, column: amount, to: shops.amount, on: target}",
            "UPDATE {} SET amount = 3 WHERE shop = 'a'",
            "the sum is 12; shops.amount gives 10", id="sum_equals",
        ),
        pytest.param(
            "{type: sql, sql: sales/spare.sql, params: {least: 4}, on: target}",
            "UPDATE {} SET amount = 3 WHERE shop = 'a'",
            "sql sales/spare.sql' of the whole table sold failed: 1 of 2 rows", id="sql",
        ),
    ],
)  # fmt: skip
def test_a_rule_about_two_tables(
    sales: Folder, etl: Etl, table: str, check: str, second: str, told: str
) -> None:
    """Both are as the run leaves them: the other one has rows that this run did not bring."""
    text = COMPARED.replace("TABLE", table).replace("CHECK", check)
    sales.write("pipelines/sales.yml", text)
    sales.write("sql_templates/sales/shops.sql", SHOPS)
    sales.write("sql_templates/sales/spare.sql", SPARE)
    assert "E324" not in etl("lint").stdout
    deliver(sales, 1, "1,a,5")
    deliver(sales, 2, "2,b,7")
    for day in ("2024-06-01", "2024-06-02"):
        run = etl("run", "sales", "--date", day)
        assert run.returncode == 0, run.stderr

    change(sales, second.format(table))
    broken = etl("run", "sales", "--date", "2024-06-02")
    assert broken.returncode == 1
    assert told in broken.stderr
    assert rows(sales, "SELECT COUNT(*) FROM sold") == [(2,)]

    assert etl("restate", "sales", "--from", "2024-06-01", "--to", "2024-06-01").returncode == 0


def change(folder: Folder, sql: str) -> None:
    """Change a table by hand."""
    workspace = load_project(folder.root).workspace(None)
    with workspace.warehouse("warehouse") as warehouse:
        warehouse.execute(sql)


def test_the_number_of_rows_is_compared_with_that_before_the_run(sales: Folder, etl: Etl) -> None:
    check = '{type: row_count, max_change: "60%", on: target}'
    rows_check = '{type: row_count, max_change: "300%", name: of_the_run}'
    text = SALES.replace("{type: row_count, max: 4, on: target}", f"{check}\n      - {rows_check}")
    sales.write("pipelines/sales.yml", text[: text.index("      - {type: accepted")])
    days = {1: ["1,a,5", "2,a,5"], 2: ["3,a,5"], 3: ["4,a,5", "5,a,5", "6,a,5"]}
    for day, lines in days.items():
        deliver(sales, day, *lines)

    def run(day: int) -> CompletedProcess[str]:
        return etl("run", "sales", "--date", f"2024-06-0{day}")

    assert [run(day).returncode for day in (1, 2, 1)] == [0, 0, 0]  # 2, 3, 3 rows
    third = run(3)
    assert third.returncode == 1
    assert "'row_count' of the whole table sold failed: 6 rows; 3 before the run" in third.stderr
    deliver(sales, 3, "4,a,5")
    assert run(3).returncode == 0


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (
            "{type: sum_equals, column: amount, to: sales, on: target}",
            "'sales' is a source, whose rows are not in the warehouse",
        ),
        (
            "{type: relationships, column: id, to: sales.id, on: target}",
            "hint: compare with a KPI, or take `on: target` out",
        ),
        ("{type: sql, sql: sales/sold.sql, on: target}", "E324 'sales' is a source"),
        ('{type: change, max: "20%", on: target}', "write row_count with max_change"),
        (
            "{type: not_null, columns: [shop], on: target, on_fail: quarantine}",
            "no row can be taken out of a table that others read",
        ),
    ],
)
def test_what_cannot_be_checked(folder: Folder, etl: Etl, check: str, expected: str) -> None:
    text = SALES.lstrip().replace("{type: row_count, max: 4, on: target}", check)
    folder.write("pipelines/sales.yml", text)
    folder.write("sql_templates/sales/sold.sql", "SELECT id, shop, amount FROM sales\n")

    said = etl("lint").stdout
    assert ": E324 " in said and expected in said


def test_through_the_data_api_nothing_is_taken_back(folder: Folder, etl: Etl) -> None:
    folder.write("pipelines/sales.yml", SALES.lstrip())
    folder.write("sql_templates/sales/sold.sql", "SELECT id, shop, amount FROM sales\n")
    cluster = (
        "type: redshift, driver: DRIVER, workgroup: w, database: d, iam_role: default, host: h"
    )
    text = (folder.root / "environments.yml").read_text()
    for driver, told in (("data_api", True), ("redshift_connector", False)):
        prod = "  prod:\n    staging: s3://b/p\n    connections:\n"
        prod += (
            "      lake: {type: s3, bucket: b}\n      rds: {type: postgres, url: '{{ env.R }}'}\n"
        )
        prod += f"      warehouse: {{{cluster.replace('DRIVER', driver)}}}\n"
        folder.write("environments.yml", text + prod)
        said = etl("lint").stdout
        expected = "sales.yml:21:35: E331 in prod the Data API sends a transaction as a whole"
        assert (expected in said) == told, said
        assert told or "E331" not in said


def test_a_source_has_no_target(folder: Folder, etl: Etl) -> None:
    checks = "\n    checks: [{type: row_count, min: 1, on: target}]\nkpis:"
    folder.write("pipelines/sales.yml", SALES.lstrip().replace("\nkpis:", checks))
    folder.write("sql_templates/sales/sold.sql", "SELECT id, shop, amount FROM sales\n")

    assert "12:40: E324 'sales' is a source, which has no target" in etl("lint").stdout
