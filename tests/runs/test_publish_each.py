"""`publish: each`: a KPI whose check fails holds back no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_framework.errors import StepError
from etl_framework.plan.plan import build_plan
from etl_framework.project.project import load_project
from etl_framework.run.run import Run
from tests.cli.conftest import Etl
from tests.conftest import Folder

SALES = """
name: sales
schedule: "@daily"
publish: each
sources:
  sales:
    type: csv
    connection: lake
    path: sales/*.csv
    columns:
      - {name: shop, type: varchar(20)}
      - {name: amount, type: integer}
  shops:
    type: csv
    connection: lake
    path: shops/*.csv
    columns:
      - {name: shop, type: varchar(20)}
kpis:
  by_shop:
    sql: sales/by_shop.sql
    target: {connection: warehouse, table: by_shop}
    columns:
      - {name: shop, type: varchar(20)}
      - {name: amount, type: bigint}
    checks:
      - {type: accepted_range, column: amount, min: 0}
  total:
    sql: sales/total.sql
    target: {connection: warehouse, table: total}
    columns:
      - {name: amount, type: bigint}
    checks:
      - {type: accepted_range, column: amount, max: 100, on: target}
  shops_known:
    sql: sales/shops_known.sql
    target: {connection: warehouse, table: shops_known}
    columns:
      - {name: shops, type: bigint}
"""


@pytest.fixture
def sales(folder: Folder) -> Folder:
    folder.write("pipelines/sales.yml", SALES)
    for name, sql in {
        "by_shop": "SELECT shop, SUM(amount) AS amount FROM sales GROUP BY shop",
        "total": "SELECT SUM(amount) AS amount FROM sales",
        "shops_known": "SELECT COUNT(*) AS shops FROM shops",
    }.items():
        folder.write(f"sql_templates/sales/{name}.sql", sql + "\n")
    folder.write("lake/shops/1.csv", "shop\na\nb\n")
    deliver(folder, "a,5", "b,6")
    return folder


def deliver(folder: Folder, *lines: str) -> None:
    folder.write("lake/sales/1.csv", "\n".join(["shop,amount", *lines]) + "\n")


def held(folder: Folder) -> dict[str, Any]:
    """What the tables hold, and what the ledger says was published."""
    ((targets,),) = folder.query("SELECT targets FROM etl_ledger")
    tables = sorted(str(target["table"]) for target in json.loads(targets))
    return {table: folder.query(f"SELECT * FROM {table} ORDER BY 1") for table in tables}


def test_a_check_of_the_rows_fails(sales: Folder, etl: Etl) -> None:
    deliver(sales, "a,-5", "b,6")

    found = etl("run", "sales")
    assert found.returncode == 1
    assert "check 'accepted_range amount' of 'by_shop' failed: 1 of 2 rows" in found.stderr
    assert "'by_shop' is held back; for example" in found.stderr
    assert "published 2 rows to total, shops_known" in found.stdout
    assert held(sales) == {"total": [(1,)], "shops_known": [(2,)]}

    deliver(sales, "a,5", "b,6")
    assert etl("run", "sales").returncode == 0
    assert held(sales)["by_shop"] == [("a", 5), ("b", 6)]
    assert held(sales)["total"] == [(11,)]


def test_a_check_of_a_target_fails(sales: Folder, etl: Etl) -> None:
    deliver(sales, "a,500", "b,6")

    found = etl("run", "sales")
    assert found.returncode == 1
    assert "'total' is held back: check 'accepted_range amount' of the whole table" in found.stderr
    assert "; published: by_shop, shops_known\n" in found.stderr
    assert held(sales) == {"by_shop": [("a", 500), ("b", 6)], "shops_known": [(2,)]}


def test_a_source_is_missing(sales: Folder, etl: Etl) -> None:
    (sales.root / "lake/sales/1.csv").unlink()

    found = etl("run", "sales")
    assert found.returncode == 1
    assert held(sales) == {"shops_known": [(2,)]}


def test_an_archive_waits_for_what_is_held_back(sales: Folder, etl: Etl) -> None:
    file = sales.root / "pipelines/sales.yml"
    inbox = "sales/*.csv\n    archive: done/"
    file.write_text(file.read_text().replace("sales/*.csv", inbox))
    assert "E325 a KPI that is held back needs the files of 'sales' again" in etl("lint").stdout

    text = file.read_text().replace("sales/*.csv", "sales/{{ interval.date }}.csv")
    for table in ("total", "by_shop"):
        text = text.replace(f"table: {table}}}", f"table: {table}, rows_of: interval}}")
    file.write_text(text)
    day = sales.root / "lake/sales/2024-06-01.csv"
    for amount, code in (("-5", 1), ("5", 0)):
        day.write_text(f"shop,amount\na,{amount}\n")
        found = etl("run", "sales", "--date", "2024-06-01")
        assert found.returncode == code, found.stderr
        assert day.exists() == bool(code)


def test_what_is_made_of_a_kpi_that_is_held_back(sales: Folder, etl: Etl) -> None:
    sql = sales.root / "sql_templates/sales/shops_known.sql"
    sql.write_text("SELECT amount AS shops FROM total\n")
    deliver(sales, "a,500")

    found = etl("run", "sales")
    assert found.returncode == 1
    assert "'shops_known' is held back: it is made from 'total'" in found.stderr
    assert held(sales) == {"by_shop": [("a", 500)]}


def test_nothing_is_ready(sales: Folder, etl: Etl) -> None:
    (sales.root / "lake/sales/1.csv").unlink()
    (sales.root / "lake/shops/1.csv").unlink()

    found = etl("run", "sales")
    assert found.returncode == 1
    assert "- publish" in found.stderr
    assert not (sales.root / ".etl/warehouse.duckdb").exists()


def test_together_is_the_default(sales: Folder, etl: Etl) -> None:
    file = sales.root / "pipelines/sales.yml"
    file.write_text(file.read_text().replace("publish: each\n", ""))
    deliver(sales, "a,-5", "b,6")

    assert etl("run", "sales").returncode == 1
    assert not (sales.root / ".etl/warehouse.duckdb").exists()


def test_a_task_publishes_what_is_ready(sales: Folder) -> None:
    """As in Airflow, where each step is a task, and one of them failed."""
    deliver(sales, "a,-5", "b,6")
    project = load_project(sales.root)
    pipeline = project.pipeline("sales").model
    assert pipeline
    run = Run(build_plan(project, "sales", None, pipeline.some_interval()))
    for step in run.plan.steps[:-1]:
        if step.name == "check.by_shop":
            with pytest.raises(StepError):
                run.one_step(step.name)
        else:
            run.one_step(step.name)

    with pytest.raises(StepError) as caught:
        run.one_step("publish")
    assert [d.message for d in caught.value.diagnostics] == [
        "'by_shop' is held back: 'check.by_shop' has not finished"
    ]
    assert held(sales) == {"total": [(1,)], "shops_known": [(2,)]}


def test_a_kpi_that_is_taken_out_leaves_the_ledger(sales: Folder, etl: Etl) -> None:
    """Also where targets lie in two databases, with a transaction each."""
    file = sales.root / "pipelines/sales.yml"
    text = file.read_text().replace("publish: each\n", "")
    other = sales.root / "environments.yml"
    line = "warehouse: {type: duckdb"
    both = f"other: {{type: duckdb, path: .etl/other.duckdb}}\n      {line}"
    other.write_text(other.read_text().replace(line, both))
    file.write_text(text.replace("warehouse, table: total", "other, table: total"))
    assert etl("run", "sales", "--date", "2024-06-01").returncode == 0

    kept = file.read_text()
    file.write_text(kept[: kept.index("  shops_known:")])
    assert etl("run", "sales", "--date", "2024-06-01").returncode == 0
    assert held(sales) == {"by_shop": [("a", 5), ("b", 6)]}
