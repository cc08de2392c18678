"""Whole runs in places of their own, beside production, in every database."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from etl_framework.project.project import load_project
from tests.conftest import Folder, bucket, in_postgres, in_the_cluster
from tests.connections.redshift.test_connection import WAYS

DATABASES = ("duckdb", "postgres", "duckdb in redshift", "redshift", "data api")
DAY = "2024-06-25"


@pytest.fixture(params=DATABASES)
def sales(folder: Folder, request: pytest.FixtureRequest) -> Folder:
    """A project whose tables lie in two schemas, with places for developers and pull requests."""
    brought(folder, request)
    write_pipeline(folder)
    write_rows(folder, "1,ann,10.50", "2,bob,4.00")
    return folder


def brought(folder: Folder, request: pytest.FixtureRequest) -> None:
    """Let a project load its targets into one of DATABASES, with places of its own there."""
    if request.param == "postgres":
        in_postgres(folder, request.getfixturevalue("postgres"))
    elif request.param != "duckdb":
        request.getfixturevalue("stack")
        in_the_cluster(folder, "redshift" if request.param == "redshift" else "duckdb")
    with_places(folder, data_api=request.param == "data api")


def with_places(folder: Folder, **more: bool) -> None:
    """Copy the environment of a project into `dev` and `pr`, each with a place of its own."""
    file = folder.root / "environments.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    local = content["environments"]["local"]
    local["history_tables"] = True
    if more.get("data_api"):
        local["connections"]["warehouse"] = WAYS["the Data API"]
    content["environments"]["dev"] = {**local, "schema": "dev_{{ user }}"}
    content["environments"]["pr"] = {**local, "prefix": "pr_{{ branch }}_"}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")


def write_pipeline(folder: Folder) -> None:
    folder.write(
        "pipelines/sales.yml",
        """
        name: sales
        schedule: "@daily"
        start_date: 2024-06-25
        publish: each
        sources:
          orders:
            type: csv
            connection: lake
            path: orders/{{ interval.date }}.csv
            columns:
              - {name: id, type: integer}
              - {name: who, type: varchar(20)}
              - {name: amount, type: "decimal(10,2)"}
        kpis:
          by_who:
            sql: sales/by_who.sql
            target: {connection: warehouse, table: mart.by_who, strategy: append}
            columns: &columns
              - {name: who, type: varchar(20)}
              - {name: amount, type: "decimal(18,2)"}
          totals:
            sql: sales/by_who.sql
            target: {connection: warehouse, table: totals}
            columns: *columns
          versions:
            sql: sales/by_who.sql
            target: {connection: warehouse, table: mart.versions, strategy: scd2, unique_key: [who]}
            columns: *columns
        """,
    )
    folder.write(
        "sql_templates/sales/by_who.sql",
        """
        -- One row is what somebody has bought.
        SELECT who, CAST(SUM(amount) AS DECIMAL(18,2)) AS amount FROM orders GROUP BY who
        """,
    )


def write_rows(folder: Folder, *rows: str, day: str = DAY) -> None:
    text = "\n".join(["id,who,amount", *rows, ""])
    folder.write(f"lake/orders/{day}.csv", text)
    if "music-lake" in (folder.root / "environments.yml").read_text(encoding="utf-8"):
        bucket().write(f"orders/{day}.csv", text.encode())


def everything(folder: Folder, *schemas: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables in schemas, by their names."""
    found = {}
    for schema in schemas:
        with load_project(folder.root).workspace("local").warehouse("warehouse") as warehouse:
            sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
            for (name,) in warehouse.query(sql, (schema,))[1]:
                rows = warehouse.query(f'SELECT * FROM "{schema}"."{name}"')[1]
                found[f"{schema}.{name}"] = sorted(rows, key=str)
    return found


def told(rows: list[tuple[Any, ...]]) -> list[tuple[str, str]]:
    """Who has bought for how much, with the digits that the database gives."""
    return [(who, str(amount)) for who, amount, *_ in rows]


def usual(folder: Folder) -> str:
    """The schema of tables that are named without one."""
    with load_project(folder.root).workspace("local").warehouse("warehouse") as warehouse:
        return warehouse.home


def test_production_stays_as_it_is(sales: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sales.etl("run", "sales", "--date", DAY).returncode == 0
    production = everything(sales, "mart", usual(sales))
    assert len(production[f"{usual(sales)}.etl_ledger"]) == 1
    write_rows(sales, "1,ann,99.00")
    monkeypatch.setenv("USER", "Ann.B")
    monkeypatch.setenv("GITHUB_HEAD_REF", "12")
    for environment in ("dev", "pr"):
        done = sales.etl("run", "sales", "--date", DAY, "--env", environment)
        assert done.returncode == 0, done.stdout + done.stderr
    assert everything(sales, "mart", usual(sales)) == production
    dev = everything(sales, "dev_ann_b")
    assert {"by_who", "totals", "versions", "etl_ledger", "etl_runs"} <= {
        name.partition(".")[2] for name in dev
    }
    assert told(dev["dev_ann_b.totals"]) == [("ann", "99.00")]
    assert told(everything(sales, "pr_12_mart")["pr_12_mart.by_who"]) == [("ann", "99.00")]
    home = f"pr_12_{usual(sales)}"
    assert {f"{home}.totals", f"{home}.etl_ledger"} <= everything(sales, home).keys()


def test_branches_do_not_meet(sales: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for branch, amount in (("one", "1.00"), ("two", "2.00")):
        write_rows(sales, f"1,ann,{amount}")
        monkeypatch.setenv("GITHUB_HEAD_REF", branch)
        assert sales.etl("run", "sales", "--date", DAY, "--env", "pr").returncode == 0
    for branch, amount in (("one", "1.00"), ("two", "2.00")):
        found = everything(sales, f"pr_{branch}_mart", f"pr_{branch}_{usual(sales)}")
        assert told(found[f"pr_{branch}_mart.by_who"]) == [("ann", amount)]
        assert len(found[f"pr_{branch}_{usual(sales)}.etl_ledger"]) == 1


def test_commands_look_into_the_place(sales: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_HEAD_REF", "12")
    nothing = sales.etl("show", "by_who", "--env", "pr")
    assert nothing.returncode == 1
    assert sales.etl("run", "sales", "--date", DAY).returncode == 0
    production = everything(sales, "mart", usual(sales))
    assert sales.etl("show", "by_who", "--env", "pr").returncode == 1
    write_rows(sales, "1,zoe,7.00")
    assert sales.etl("run", "sales", "--date", DAY, "--env", "pr").returncode == 0

    assert "zoe" in sales.etl("show", "by_who", "--env", "pr").stdout
    assert "zoe" not in sales.etl("show", "by_who").stdout
    ledger = sales.etl("show", "ledger", "--env", "pr", "--format", "json").stdout
    assert "pr_12_mart.by_who" in ledger
    span = ("--from", DAY, "--to", DAY)
    newest = ("--last", "1", "--to", DAY)
    assert "published" in sales.etl("status", "sales", *newest, "--env", "pr").stdout
    again = sales.etl("restate", "sales", *span, "--select", "by_who", "--env", "pr")
    assert again.returncode == 0, again.stdout + again.stderr
    as_it_is = sales.etl("apply", "sales", "--dry-run", "--env", "pr").stdout
    assert "pr_12_mart.by_who: as it should be" in as_it_is
    if "data_api" not in (sales.root / "environments.yml").read_text(encoding="utf-8"):
        # Numbers come as texts by the Data API, of which pages draw no chart, in a place or not.
        report = sales.etl("report", "--env", "pr", "--output", "pages", *span[2:])
        assert report.returncode == 0, report.stderr
    assert everything(sales, "mart", usual(sales)) == production

    pipeline = sales.root / "pipelines/sales.yml"
    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(text.replace("type: decimal(18,2)", "type: decimal(10,2)"))
    applied = sales.etl("apply", "sales", "--yes", "--env", "pr", "--select", "by_who")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert everything(sales, "mart", usual(sales)) == production


def test_the_place_is_dropped_and_nothing_else(
    sales: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_HEAD_REF", "1")
    monkeypatch.setenv("USER", "ann")
    assert sales.etl("run", "sales", "--date", DAY).returncode == 0
    for environment in ("pr", "dev"):
        assert sales.etl("run", "sales", "--date", DAY, "--env", environment).returncode == 0
    monkeypatch.setenv("GITHUB_HEAD_REF", "1_2")  # whose schemas begin as those of the other
    assert sales.etl("run", "sales", "--date", DAY, "--env", "pr").returncode == 0
    home = usual(sales)
    others = everything(sales, "mart", home, "dev_ann", "pr_1_2_mart", f"pr_1_2_{home}")
    monkeypatch.setenv("GITHUB_HEAD_REF", "1")

    asked = sales.etl("clean", "--env", "pr", "--drop-place")
    assert asked.returncode == 2
    assert "drops schema pr_1_mart of warehouse" in asked.stderr
    assert everything(sales, "pr_1_mart")
    done = sales.etl("clean", "--env", "pr", "--drop-place", "--yes")
    assert done.returncode == 0, done.stderr
    assert "drops staging" in done.stderr
    assert not everything(sales, "pr_1_mart", f"pr_1_{home}", "pr_1_etl_staging")
    assert others == everything(sales, "mart", home, "dev_ann", "pr_1_2_mart", f"pr_1_2_{home}")
    again = sales.etl("clean", "--env", "pr", "--drop-place", "--yes")
    assert (again.returncode, "nothing is left" in again.stderr) == (0, True)
    # Not even the staging is there, so that all is done anew.
    anew = sales.etl("run", "sales", "--date", DAY, "--env", "pr")
    assert anew.returncode == 0, anew.stderr
