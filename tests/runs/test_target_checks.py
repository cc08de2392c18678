"""Checks `on: target`: the whole table as a run leaves it, before the transaction ends."""

from __future__ import annotations

import json

import pytest

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


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{type: sum_equals, column: amount, to: sales, on: target}", "reads no other relation"),
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


def test_a_source_has_no_target(folder: Folder, etl: Etl) -> None:
    checks = "\n    checks: [{type: row_count, min: 1, on: target}]\nkpis:"
    folder.write("pipelines/sales.yml", SALES.lstrip().replace("\nkpis:", checks))
    folder.write("sql_templates/sales/sold.sql", "SELECT id, shop, amount FROM sales\n")

    assert "12:40: E324 'sales' is a source, which has no target" in etl("lint").stdout
