"""Files of an inbox, each of them read by one data interval: `new_files: true`."""

from __future__ import annotations

import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.errors import StepError
from etl_framework.run.run import Run
from tests.cli.conftest import Etl
from tests.conftest import Folder, bucket, in_the_cluster

PIPELINE = """
name: orders
schedule: "@daily"
sources:
  orders:
    type: csv
    connection: lake
    path: inbox/*.csv
    new_files: true
    columns:
      - {name: order_id, type: integer}
      - {name: customer, type: varchar(20)}
kpis:
  all_orders:
    sql: all_orders.sql
    target: {connection: warehouse, table: all_orders, strategy: append}
    columns:
      - {name: order_id, type: integer}
      - {name: customer, type: varchar(20)}
"""
ROWS = "SELECT order_id, customer FROM all_orders ORDER BY order_id"
FILES = "SELECT name, CAST(CAST(interval_start AS DATE) AS VARCHAR) FROM etl_files ORDER BY 1"


@pytest.fixture
def orders(folder: Folder) -> Folder:
    folder.write("pipelines/orders.yml", PIPELINE)
    folder.write("sql_templates/all_orders.sql", "SELECT order_id, customer FROM orders\n")
    put(folder, "a", 1)
    return folder


def put(folder: Folder, name: str, *numbers: int) -> None:
    rows = "".join(f"{number},{name}\n" for number in numbers)
    folder.write(f"lake/inbox/{name}.csv", f"order_id,customer\n{rows}")


def test_each_file_is_read_once(orders: Folder) -> None:
    """A rerun reads the same files; what is new belongs to the newest interval."""
    orders.run("orders", "2024-06-25")
    put(orders, "b", 2)
    assert orders.run("orders", "2024-06-26")["extract.orders"].counts["read"] == 1
    put(orders, "c", 3)

    assert orders.run("orders", "2024-06-25")["extract.orders"].counts["read"] == 1
    assert orders.query(ROWS) == [(1, "a"), (2, "b")]
    assert orders.run("orders", "2024-06-26")["extract.orders"].counts["read"] == 2
    assert orders.query(ROWS) == [(1, "a"), (2, "b"), (3, "c")]
    assert orders.query(FILES) == [
        ("inbox/a.csv", "2024-06-25"),
        ("inbox/b.csv", "2024-06-26"),
        ("inbox/c.csv", "2024-06-26"),
    ]


def test_a_backfill_finds_no_files_that_were_read(orders: Folder, etl: Etl) -> None:
    orders.run("orders", "2024-06-25")
    told = etl("run", "orders", "--date", "2024-06-24")

    assert told.returncode == 1
    assert "no new file matches 'inbox/*.csv' in connection 'lake'" in told.stderr
    assert orders.query(ROWS) == [(1, "a")]


def test_a_day_without_new_files(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text().replace("new_files: true", "new_files: true\n    may_be_empty: true")
    )
    for day in ("2024-06-25", "2024-06-26", "2024-06-25", "2024-06-26"):
        orders.run("orders", day)
    put(orders, "b", 2)
    orders.run("orders", "2024-06-25")
    assert orders.query(ROWS) == [(1, "a")]
    orders.run("orders", "2024-06-26")
    assert orders.query(ROWS) == [(1, "a"), (2, "b")]


def test_a_file_that_has_changed(orders: Folder, etl: Etl) -> None:
    """It is still that of the interval which has read it, and `etl run` runs this one again."""
    orders.run("orders", "2024-06-25")
    put(orders, "a", 1, 10)
    put(orders, "b", 2)

    told = etl("run", "orders", "--date", "2024-06-26")

    assert told.returncode == 0, told.stderr
    assert (
        "[2024-06-25 00:00, 2024-06-26 00:00) of 'orders' has another 'inbox/a.csv' than was "
        "published: it is run again\n" in told.stderr
    )
    assert orders.query(ROWS) == [(1, "a"), (2, "b"), (10, "a")]
    again = etl("run", "orders", "--date", "2024-06-26")
    assert again.returncode == 0 and "run again" not in again.stderr


def test_a_file_that_is_gone(orders: Folder, etl: Etl) -> None:
    """No row of the table is deleted because its file was."""
    orders.run("orders", "2024-06-25")
    (orders.root / "lake/inbox/a.csv").unlink()

    told = etl("run", "orders", "--date", "2024-06-25")

    assert told.returncode == 1
    assert "the file 'inbox/a.csv' of this data interval is gone" in told.stderr
    assert orders.query(ROWS) == [(1, "a")]


def test_two_runs_at_once_with_the_same_files(orders: Folder) -> None:
    """The second, which had looked before the first has published, is refused and then right."""
    one, other = (Run(orders.plan("orders", f"2024-06-{day}")) for day in (25, 26))
    for run in (one, other):
        for step in run.plan.steps[:-1]:
            run.one_step(step.name)
    put(orders, "b", 2)
    one.one_step("publish")

    with pytest.raises(StepError, match="another run has published 1 of the files of 'orders'"):
        other.one_step("publish")
    orders.run("orders", "2024-06-26")
    assert orders.query(ROWS) == [(1, "a"), (2, "b")]


def test_more_files_than_one_statement_names(orders: Folder) -> None:
    for number in range(2, 1203):
        put(orders, f"f{number:04}", number)
    orders.run("orders", "2024-06-25")
    orders.run("orders", "2024-06-25")

    assert orders.query("SELECT COUNT(*), COUNT(DISTINCT name) FROM etl_files") == [(1202, 1202)]
    assert orders.query("SELECT COUNT(*) FROM all_orders") == [(1202,)]


@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_an_inbox_in_s3(orders: Folder, stack: Stack, engine: str) -> None:
    in_the_cluster(orders, engine)
    for name, number, day in (("a", 1, "2024-06-25"), ("b", 2, "2024-06-26")):
        put(orders, name, number)
        bucket().upload(orders.root / f"lake/inbox/{name}.csv", f"inbox/{name}.csv")
        orders.run("orders", day)

    assert orders.run("orders", "2024-06-25")["publish"].counts["rows"] == 1
    with orders.plan("orders").workspace.warehouse("warehouse", read_only=True) as warehouse:
        assert warehouse.query(ROWS)[1] == [(1, "a"), (2, "b")]
        assert warehouse.query("SELECT name FROM etl_files ORDER BY 1")[1] == [
            ("inbox/a.csv",),
            ("inbox/b.csv",),
        ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("inbox/*", "in/{{ interval.date }}*", "'path' says already which files an interval reads"),
        (
            "new_files: true",
            "new_files: true\n    archive: done/",
            "with an 'archive' are read once",
        ),
        ("strategy: append", "strategy: replace", "E321"),
    ],
)
def test_what_does_not_fit(orders: Folder, etl: Etl, old: str, new: str, expected: str) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace(old, new))
    assert expected in etl("lint").stdout


def test_the_table_is_announced(orders: Folder, etl: Etl) -> None:
    assert 'CREATE TABLE IF NOT EXISTS "etl_files"' in etl("ddl", "orders").stdout
