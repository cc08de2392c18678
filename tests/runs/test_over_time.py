"""Data intervals one after the other, again and corrected: the tables stay right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_framework.errors import StepError
from tests.cli.conftest import Etl
from tests.conftest import Folder

ORDERS = """
name: orders
schedule: "@daily"
sources:
  orders:
    type: csv
    connection: lake
    path: orders/{{ interval.date }}*.csv
    columns:
      - {name: order_id, type: integer, primary_key: true}
      - {name: customer, type: varchar(100), required: true}
      - {name: amount, type: "decimal(10,2)"}
kpis:
  customers:
    sql: orders/customers.sql
    target: {connection: warehouse, table: customers, strategy: append}
    columns:
      - {name: customer, type: varchar(100)}
      - {name: orders, type: bigint}
"""
TABLE = "SELECT customer, orders FROM customers ORDER BY 1, 2"
DAYS = ("--from", "2024-06-25", "--to", "2024-06-25")
HEADER = "order_id,customer,amount\n"


@pytest.fixture
def orders(folder: Folder) -> Folder:
    """Orders in a file a day; those of the 25th are there."""
    folder.write("pipelines/orders.yml", ORDERS)
    folder.write(
        "sql_templates/orders/customers.sql",
        "SELECT customer, COUNT(*) AS orders FROM orders GROUP BY customer",
    )
    deliver(folder, 25, "1,ada,12.50", "2,grace,20.00", "3,ada,7.25")
    return folder


def deliver(folder: Folder, number: int, *rows: str) -> None:
    folder.write(f"lake/orders/2024-06-{number}.csv", HEADER + "\n".join(rows) + "\n")


def change(folder: Folder, old: str, new: str, path: str = "pipelines/orders.yml") -> None:
    file = folder.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def run(folder: Folder, number: int, **how: Any) -> int:
    """Run a day; how many rows were published."""
    return folder.run("orders", f"2024-06-{number}", **how)["publish"].counts["rows"]


class TestAppend:
    def test_a_corrected_file_is_published_again(self, orders: Folder) -> None:
        assert run(orders, 25) == 2
        deliver(orders, 25, "1,ada,12.50", "2,grace,20.00", "3,ada,7.25", "4,new,9.00")

        assert run(orders, 25) == 3
        assert orders.query(TABLE) == [("ada", 2), ("grace", 1), ("new", 1)]
        ((targets,),) = orders.query("SELECT targets FROM etl_ledger")
        assert json.loads(targets) == [{"table": "customers", "strategy": "append", "rows": 3}]

    def test_a_table_that_was_dropped_is_loaded_again(self, orders: Folder) -> None:
        run(orders, 25)
        orders.change("DROP TABLE customers")

        assert run(orders, 25) == 2
        assert orders.query(TABLE) == [("ada", 2), ("grace", 1)]

    def test_that_other_days_are_gone_is_said(self, orders: Folder, etl: Etl) -> None:
        deliver(orders, 26, "7,zoe,1.00")
        deliver(orders, 27, "8,zoe,1.00")
        for day in (25, 26, 27):
            run(orders, day)
        orders.change("DROP TABLE customers")

        found = etl("run", "orders", "--date", "2024-06-26")

        assert found.returncode == 0
        assert (
            "published 1 row to customers\n"
            "customers was empty, and the ledger lists 2 other data intervals of it: "
            "etl restate orders --from 2024-06-25 --to 2024-06-27 loads them again\n"
        ) in found.stdout
        again = etl("restate", "orders", "--from", "2024-06-25", "--to", "2024-06-27")
        assert again.returncode == 0 and "was empty" not in again.stdout
        assert len(orders.query(TABLE)) == 4

    def test_days_that_nobody_ran_are_in_no_restate(self, orders: Folder, etl: Etl) -> None:
        """For a restate of a day that was never published is refused."""
        for day in (23, 25, 27, 29):
            deliver(orders, day, f"{day},zoe,1.00")
            run(orders, day)
        orders.change("DROP TABLE customers")

        told = etl("run", "orders", "--date", "2024-06-27").stdout
        spans = [(23, 23), (25, 25), (29, 29)]
        commands = [f"etl restate orders --from 2024-06-{a} --to 2024-06-{b}" for a, b in spans]
        assert " and ".join(commands) + " loads them again" in told
        for command in commands:
            assert etl(*command.split()[1:]).returncode == 0
        assert len(orders.query(TABLE)) == 4

    def test_late_rows_of_a_day(self, orders: Folder) -> None:
        run(orders, 25)
        deliver(orders, 26, "7,zoe,1.00")
        run(orders, 26)
        orders.write("lake/orders/2024-06-25-late.csv", HEADER + "8,tom,1.00\n9,ada,1.00\n")

        assert run(orders, 25) == 3
        assert orders.query(TABLE) == [("ada", 3), ("grace", 1), ("tom", 1), ("zoe", 1)]

    def test_a_day_that_has_no_rows_any_more(self, orders: Folder) -> None:
        change(orders, "    path", "    may_be_empty: true\n    path")
        run(orders, 25)
        deliver(orders, 25)

        assert run(orders, 25) == 0
        assert orders.query(TABLE) == []


class TestInbox:
    """Files that go to an archive: each belongs to the interval that read it."""

    @pytest.fixture
    def inbox(self, orders: Folder) -> Folder:
        path = "inbox/*.csv\n    archive: done/"
        change(orders, "orders/{{ interval.date }}*.csv", path)
        orders.write("lake/inbox/a.csv", HEADER + "1,ada,1.00\n")
        return orders

    def test_a_rerun_of_the_first_day_takes_no_file_twice(self, inbox: Folder, etl: Etl) -> None:
        assert etl("lint").returncode == 0
        run(inbox, 25)
        inbox.write("lake/inbox/b.csv", HEADER + "2,bob,1.00\n")
        assert run(inbox, 25) == 2
        inbox.write("lake/inbox/c.csv", HEADER + "3,cal,1.00\n")
        assert run(inbox, 26) == 1

        assert [run(inbox, day) for day in (25, 26, 25)] == [2, 1, 2]
        assert inbox.query(TABLE) == [("ada", 1), ("bob", 1), ("cal", 1)]
        told = inbox.query("SELECT targets FROM etl_ledger ORDER BY interval_start")
        assert [json.loads(targets)[0]["rows"] for (targets,) in told] == [2, 1]


class TestAllRowsInEachInterval:
    """A source that is not cut by the interval, and a strategy that adds."""

    @pytest.fixture
    def uncut(self, orders: Folder) -> Folder:
        change(orders, "orders/{{ interval.date }}*.csv", "orders/*.csv")
        deliver(orders, 26, "10,zoe,5.00")
        return orders

    def test_lint_says_so(self, uncut: Folder, etl: Etl) -> None:
        found = etl("lint")

        assert found.returncode == 1
        assert "pipelines/orders.yml:15:65: E322 each run brings all rows" in found.stdout
        assert "`snapshot`" in found.stdout and "rows_of: all" in found.stdout

    def test_a_run_refuses_the_second_interval(self, uncut: Folder) -> None:
        run(uncut, 25)
        with pytest.raises(StepError, match="customers has those of another"):
            run(uncut, 26)

        assert uncut.query(TABLE) == [("ada", 2), ("grace", 1), ("zoe", 1)]
        assert run(uncut, 25) == 3

    def test_it_may_be_meant(self, uncut: Folder, etl: Etl) -> None:
        change(uncut, "strategy: append", "strategy: append, rows_of: all")

        assert etl("lint").returncode == 0
        assert [run(uncut, day) for day in (25, 26, 25)] == [3, 3, 3]
        assert len(uncut.query(TABLE)) == 6

    def test_a_snapshot_keeps_a_copy_of_each_interval(self, uncut: Folder, etl: Etl) -> None:
        change(uncut, "strategy: append", "strategy: snapshot")
        assert etl("lint").returncode == 0
        run(uncut, 25)
        deliver(uncut, 26, "10,zoe,5.00", "11,kim,5.00")
        run(uncut, 26)
        run(uncut, 25)

        copies = "SELECT CAST(etl_interval_start AS DATE)::VARCHAR, COUNT(*) FROM customers"
        assert uncut.query(f"{copies} GROUP BY 1 ORDER BY 1") == [
            ("2024-06-25", 4),
            ("2024-06-26", 4),
        ]

    def test_a_past_interval_gets_rows_of_today_and_says_so(self, uncut: Folder, etl: Etl) -> None:
        change(uncut, "strategy: append", "strategy: snapshot")
        told = "customers keeps rows of today as those of [2024-06-25 00:00, 2024-06-26 00:00)"
        found = etl("run", "orders", "--from", "2024-06-25", "--to", "2024-06-26")
        assert found.returncode == 0
        assert told in found.stdout and found.stdout.count("which is past: orders gave all") == 2
        assert told in etl("run", "orders", "--date", "2024-06-25").stdout
        assert told in etl("restate", "orders", *DAYS).stdout
        assert "rows of today" not in etl("run", "orders").stdout  # the newest that is complete
        change(uncut, "path: orders/*.csv", "path: orders/*.csv\n    may_be_newer: true")
        assert "rows of today" not in etl("run", "orders", "--date", "2024-06-25").stdout


class TestMerge:
    """Sums of one interval's rows that would take the place of the whole day's."""

    @pytest.fixture
    def merged(self, orders: Folder) -> Folder:
        change(orders, "strategy: append", "strategy: merge, unique_key: [customer]")
        return orders

    def test_lint_says_that_a_part_takes_the_place_of_a_sum(self, merged: Folder, etl: Etl) -> None:
        found = etl("lint").stdout

        assert "customers.sql:1:58: W420 warning: one data interval's rows are aggregated" in found

    @pytest.mark.parametrize(
        "sql",
        [
            pytest.param("SELECT customer, 1 AS orders FROM orders", id="no aggregate"),
            pytest.param(
                "SELECT {{ interval.date }} AS customer, COUNT(*) AS orders FROM orders "
                "GROUP BY order_id",
                id="a key that is the interval's own",
            ),
        ],
    )
    def test_it_says_so_of_nothing_else(self, merged: Folder, etl: Etl, sql: str) -> None:
        merged.write("sql_templates/orders/customers.sql", sql)

        assert "W420" not in etl("lint").stdout


class TestReplace:
    """A table that holds the rows of the newest interval."""

    @pytest.fixture
    def newest(self, orders: Folder) -> Folder:
        change(orders, "strategy: append", "strategy: replace")
        deliver(orders, 26, "10,zoe,5.00")
        return orders

    def test_lint_says_that_it_keeps_one_interval(self, newest: Folder, etl: Etl) -> None:
        found = etl("lint")

        assert found.returncode == 1
        assert (
            "pipelines/orders.yml:15:65: E321 each run brings its data interval's" in found.stdout
        )

    def test_an_older_interval_does_not_take_the_place_of_a_newer(
        self, newest: Folder, etl: Etl
    ) -> None:
        run(newest, 25)
        run(newest, 26)

        found = etl("run", "orders", "--date", "2024-06-25", "--fresh")

        assert found.returncode == 1
        assert "orders.yml:13:3: R300 customers holds the rows of a newer data interval" in (
            found.stderr
        )
        assert "--replace-newer" in found.stderr
        assert newest.query(TABLE) == [("zoe", 1)]
        assert run(newest, 26) == 1

    def test_unless_it_is_asked_for(self, newest: Folder, etl: Etl) -> None:
        run(newest, 26)
        found = etl("run", "orders", "--date", "2024-06-25", "--replace-newer")

        assert found.returncode == 0, found.stderr
        assert newest.query(TABLE) == [("ada", 2), ("grace", 1)]

    def test_all_rows_are_as_new_in_any_interval(self, newest: Folder, etl: Etl) -> None:
        change(newest, "orders/{{ interval.date }}*.csv", "orders/*.csv")

        assert etl("lint").returncode == 0
        assert [run(newest, day) for day in (26, 25)] == [3, 3]


class TestRestate:
    """Past intervals are computed anew, and their rows replaced."""

    @pytest.fixture
    def history(self, orders: Folder) -> Folder:
        """Four tables of two days; afterwards the first day's file was corrected."""
        block = """  {name}:
    sql: orders/customers.sql
    target: {{connection: warehouse, table: {name}, strategy: {strategy}}}
    columns:
      - {{name: customer, type: varchar(100)}}
      - {{name: orders, type: bigint}}
"""
        strategies = {
            "merged": "merge, unique_key: [customer]",
            "newest": "replace, rows_of: interval",
            "once": "append, restate: never",
        }
        with (orders.root / "pipelines/orders.yml").open("a") as file:
            for name, strategy in strategies.items():
                file.write(block.format(name=name, strategy=strategy))
        run(orders, 25)
        deliver(orders, 26, "7,zoe,1.00", "8,ada,1.00")
        run(orders, 26)
        deliver(orders, 25, "1,ada,12.50", "5,tom,1.00", "6,tom,1.00")
        return orders

    def state(self, folder: Folder) -> dict[str, list[tuple[Any, ...]]]:
        tables = ("customers", "merged", "newest", "once")
        return {table: folder.query(TABLE.replace("customers", table)) for table in tables}

    def test_it_says_first_what_it_will_do(self, history: Folder, etl: Etl) -> None:
        before = self.state(history)
        found = etl("restate", "orders", *DAYS, "--dry-run")

        assert found.returncode == 0, found.stderr
        told = [line.split("  ")[-1].strip() for line in found.stdout.splitlines()[2:]]
        assert told == [
            "replaces 2 rows",
            "replaces 1 row",
            "left as it is: it holds the rows of a newer data interval",
            "left as it is: restate: never",
        ]
        assert self.state(history) == before

    def test_it_replaces_exactly_their_rows(self, history: Folder, etl: Etl) -> None:
        before = self.state(history)
        found = etl("restate", "orders", *DAYS)

        assert found.returncode == 0, found.stderr
        assert self.state(history) == {
            "customers": [("ada", 1), ("ada", 1), ("tom", 2), ("zoe", 1)],
            "merged": [("ada", 1), ("tom", 2), ("zoe", 1)],
            "newest": before["newest"],
            "once": before["once"],
        }

    def test_the_ledger_keeps_what_it_says_of_other_tables(self, history: Folder, etl: Etl) -> None:
        done = etl("restate", "orders", *DAYS, "--select", "merged")
        assert done.returncode == 0
        assert done.stdout.endswith("published 1 row to merged\n")

        ((targets,),) = history.query(
            "SELECT targets FROM etl_ledger WHERE interval_start = TIMESTAMPTZ '2024-06-25 00:00Z'"
        )
        assert {target["table"]: target["rows"] for target in json.loads(targets)} == {
            "customers": 2,
            "merged": 1,
            "newest": 2,
            "once": 2,
        }
        assert self.state(history)["customers"] == [
            ("ada", 1),
            ("ada", 2),
            ("grace", 1),
            ("zoe", 1),
        ]

    def test_an_interval_that_never_ran(self, history: Folder, etl: Etl) -> None:
        before = self.state(history)
        found = etl("restate", "orders", "--from", "2024-06-24", "--to", "2024-06-25")

        assert found.returncode == 1
        assert (
            "[2024-06-24 00:00, 2024-06-25 00:00) of 'orders' was never published" in found.stderr
        )
        assert "etl run orders --date 2024-06-24" in found.stderr
        assert self.state(history) == before

    def test_rows_that_cannot_be_told_apart(self, history: Folder, etl: Etl) -> None:
        change(history, "unique_key: [customer]", "unique_key: [customer], interval_column: false")
        found = etl("restate", "orders", *DAYS)

        assert found.returncode == 1
        assert "'merged' cannot tell which data interval its rows came from" in found.stderr

    def test_a_run_of_what_must_not_be_restated(self, history: Folder, etl: Etl) -> None:
        before = self.state(history)
        found = etl("run", "orders", "--date", "2024-06-25")

        assert found.returncode == 1 and "`restate: never`" in found.stderr
        assert self.state(history) == before

    def test_there_is_no_such_kpi(self, history: Folder, etl: Etl) -> None:
        found = etl("restate", "orders", *DAYS, "--select", "custmers")

        assert found.returncode == 2 and "did you mean 'customers'?" in found.stderr


class TestMergeOfAllRows:
    def test_the_rows_of_an_interval_are_not_all_rows(self, orders: Folder, etl: Etl) -> None:
        """Each day would delete the day before."""
        merge = "strategy: merge, unique_key: [customer], on_missing: delete}"
        change(orders, "strategy: append}", merge)
        assert " E321 each run brings its data interval's rows" in etl("lint").stdout

        change(orders, "on_missing: delete}", "on_missing: delete, rows_of: interval}")
        assert "E321" not in etl("lint").stdout


class TestRename:
    def test_the_plan_says_it_and_the_run_does_it(self, orders: Folder, etl: Etl) -> None:
        run(orders, 25)
        change(orders, "{name: orders, type: bigint}", "{name: number, type: bigint, was: orders}")
        change(orders, "AS orders", "AS number", "sql_templates/orders/customers.sql")

        shown = etl("plan", "orders", "--live").stdout
        assert 'ALTER TABLE "customers" RENAME COLUMN "orders" TO "number"' in shown
        deliver(orders, 26, "7,zoe,1.00")
        assert run(orders, 26) == 1
        assert orders.query("SELECT customer, number FROM customers ORDER BY 1") == [
            ("ada", 2),
            ("grace", 1),
            ("zoe", 1),
        ]

    def test_onto_a_column_that_is_there(self, orders: Folder, etl: Etl) -> None:
        change(
            orders, "{name: orders, type: bigint}", "{name: orders, type: bigint, was: customer}"
        )

        said = etl("lint").stdout
        assert "E204 'customer' cannot be renamed: another column is called so" in said
