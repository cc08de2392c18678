"""Rows of a database that come late, or have no time at all."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
import pytest

from tests.cli.conftest import Etl
from tests.conftest import Folder

PIPELINE = """
name: orders
schedule: "@daily"
sources:
  sessions:
    type: postgres
    connection: rds
    table: sessions
    incremental_key: ended_at
    columns:
      - {name: id, type: integer, primary_key: true}
      - {name: minutes, type: integer}
      - {name: ended_at, type: timestamp}
kpis:
  days:
    sql: days.sql
    target: {connection: warehouse, table: days, strategy: append}
    columns:
      - {name: day, type: date, primary_key: true}
      - {name: minutes, type: bigint}
"""
ROWS = """
CREATE TABLE sessions (id integer, minutes integer, ended_at timestamp);
INSERT INTO sessions SELECT day, day, '2024-06-01 12:00'::timestamp + day * interval '1 day'
FROM generate_series(20, 27) AS day
"""
Do = Callable[[str], None]
DAYS = "SELECT CAST(day AS VARCHAR), minutes FROM days ORDER BY 1"


@pytest.fixture
def database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Do:
    """Run statements in the source's database."""
    monkeypatch.setenv("TEST_RDS_URL", postgres)

    def do(sql: str) -> None:
        with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    do(ROWS)
    return do


@pytest.fixture
def orders(folder: Folder, database: Do) -> Folder:
    """A session a day, with as many minutes as its number."""
    folder.write("pipelines/orders.yml", PIPELINE)
    folder.write(
        "sql_templates/days.sql",
        "SELECT CAST({{ interval.date }} AS DATE) AS day, SUM(minutes) AS minutes FROM sessions",
    )
    return folder


def option(folder: Folder, line: str) -> None:
    file = folder.root / "pipelines/orders.yml"
    key = "    incremental_key: ended_at\n"
    file.write_text(file.read_text().replace(key, f"{key}    {line}\n"))


class TestNullKey:
    @pytest.fixture(autouse=True)
    def without(self, database: Do) -> None:
        database("INSERT INTO sessions VALUES (1, 100, NULL), (2, 200, NULL)")

    def test_it_stops_the_run(self, orders: Folder, etl: Etl) -> None:
        found = etl("run", "orders", "--date", "2024-06-25")

        assert found.returncode == 1
        assert "2 rows of sessions without 'ended_at' belong to no data interval" in found.stderr
        assert "on_null_key: quarantine" in found.stderr

    def test_where_leaves_them_out(self, orders: Folder) -> None:
        option(orders, "where: ended_at IS NOT NULL")

        assert orders.run("orders")["extract.sessions"].counts["read"] == 1

    def test_every_interval_reads_them(self, orders: Folder) -> None:
        option(orders, "on_null_key: include")
        orders.run("orders")

        assert orders.query(DAYS) == [("2024-06-25", 324)]

    def test_every_interval_rejects_them(self, orders: Folder, etl: Etl) -> None:
        option(orders, "on_null_key: quarantine\n    max_rejected: '90%'")
        counts = orders.run("orders")["extract.sessions"].counts

        assert counts == {"read": 3, "kept": 1, "rejected": 2}
        assert orders.query(DAYS) == [("2024-06-25", 24)]
        shown = etl("quarantine", "show", "sessions").stdout
        assert "no value, which would place the row in a data interval" in shown
        assert '{"id":"1"}' in shown.replace(" ", "")

    def test_they_are_not_as_many_as_may_be_rejected(self, orders: Folder, etl: Etl) -> None:
        option(orders, "on_null_key: quarantine")
        found = etl("run", "orders", "--date", "2024-06-25")

        assert found.returncode == 1 and "2 of 3 rows" in found.stderr


class TestLookback:
    def test_changed_intervals_are_run_again(self, orders: Folder, etl: Etl, database: Do) -> None:
        option(orders, "lookback: 3d")
        assert etl("run", "orders", "--from", "2024-06-21", "--to", "2024-06-24").returncode == 0
        database("INSERT INTO sessions VALUES (50, 50, '2024-06-23 01:00')")
        database("INSERT INTO sessions VALUES (51, 51, '2024-06-21 23:59')")
        database("DELETE FROM sessions WHERE id = 24")
        option(orders, "may_be_empty: true")

        found = etl("run", "orders", "--date", "2024-06-25")

        assert found.returncode == 0, found.stderr
        told = [line for line in found.stderr.splitlines() if "run again" in line]
        assert told == [
            "[2024-06-23 00:00, 2024-06-24 00:00) of 'sessions' has 2 rows, and 1 were published: "
            "it is run again",
        ]
        assert orders.query(DAYS)[:3] == [
            ("2024-06-21", 20),  # longer ago than three days
            ("2024-06-22", 21),
            ("2024-06-23", 72),
        ]

    def test_nothing_is_run_again_if_nothing_came(self, orders: Folder, etl: Etl) -> None:
        option(orders, "lookback: 1w")
        found = etl("run", "orders", "--from", "2024-06-21", "--to", "2024-06-24")

        assert found.returncode == 0 and "run again" not in found.stderr

    @pytest.mark.parametrize("line", ["lookback: 3d", "on_null_key: include"])
    def test_it_needs_a_key(self, orders: Folder, etl: Etl, line: str) -> None:
        option(orders, line)
        file = orders.root / "pipelines/orders.yml"
        file.write_text(file.read_text().replace("    incremental_key: ended_at\n", ""))
        found = etl("lint")

        name = line.partition(":")[0]
        assert f"'{name}' needs 'incremental_key'" in found.stdout
        assert found.returncode == 1

    def test_a_row_is_rejected_by_a_column_that_is_declared(self, orders: Folder, etl: Etl) -> None:
        option(orders, "on_null_key: quarantine")
        file = orders.root / "pipelines/orders.yml"
        file.write_text(file.read_text().replace("      - {name: ended_at, type: timestamp}\n", ""))

        assert "'ended_at' is not declared" in etl("lint").stdout


CHANGES = """
name: users
schedule: "@daily"
sources:
  users:
    type: postgres
    connection: rds
    table: users
    updated_at: changed_at
    may_be_empty: true
    columns:
      - {name: id, type: integer, primary_key: true}
      - {name: name, type: varchar(20)}
kpis:
  users_now:
    sql: users.sql
    target: {connection: warehouse, table: users_now, strategy: merge, unique_key: [id]}
    columns:
      - {name: id, type: integer}
      - {name: name, type: varchar(20)}
"""


class TestChanges:
    """Rows that say when they changed last."""

    @pytest.fixture
    def users(self, folder: Folder, database: Do) -> Folder:
        database("CREATE TABLE users (id integer, name text, changed_at timestamp)")
        folder.write("pipelines/users.yml", CHANGES)
        folder.write("sql_templates/users.sql", "SELECT id, name FROM users\n")
        return folder

    NOW = "SELECT id, name FROM users_now ORDER BY 1"

    def test_a_row_is_as_it_changed_last(self, users: Folder, database: Do) -> None:
        """Also when days are run again, or late; a row of midnight is the next day's."""
        database("INSERT INTO users VALUES (1, 'a', '2024-06-01 08:00')")
        database("INSERT INTO users VALUES (2, 'b', '2024-06-02 00:00')")
        assert users.run("users", "2024-06-01")["extract.users"].counts["read"] == 1
        database("UPDATE users SET name = 'A', changed_at = '2024-06-02 09:00' WHERE id = 1")

        for day in ("2024-06-02", "2024-06-01", "2024-06-02"):
            users.run("users", day)
        assert users.query(self.NOW) == [(1, "A"), (2, "b")]

    def test_a_change_that_is_committed_late(self, users: Folder, database: Do, etl: Etl) -> None:
        """It has a time of the day before, whose run was over; another row has left that day."""
        change = users.root / "pipelines/users.yml"
        text = change.read_text()
        change.write_text(text.replace("changed_at\n", "changed_at\n    lookback: 2h\n"))
        database("INSERT INTO users VALUES (1, 'a', '2024-06-01 08:00')")
        users.run("users", "2024-06-01")
        database("UPDATE users SET name = 'A', changed_at = '2024-06-02 09:00' WHERE id = 1")
        database("INSERT INTO users VALUES (2, 'late', '2024-06-01 23:30')")

        assert etl("run", "users", "--date", "2024-06-02").returncode == 0
        assert users.query(self.NOW) == [(1, "A"), (2, "late")]
        assert etl("run", "users", "--from", "2024-06-01", "--to", "2024-06-02").returncode == 0
        assert users.query(self.NOW) == [(1, "A"), (2, "late")]

    def test_what_changed_in_days_that_nobody_ran(self, users: Folder, database: Do) -> None:
        """The first run reads all that there is; a later one all since the last one before it."""
        database("INSERT INTO users VALUES (1, 'old', '2001-01-01'), (2, 'b', '2024-06-01 08:00')")
        assert users.run("users", "2024-06-01")["extract.users"].counts["read"] == 2
        database("UPDATE users SET name = 'B', changed_at = '2024-06-03 09:00' WHERE id = 2")
        database("INSERT INTO users VALUES (3, 'c', '2024-06-04')")

        assert users.run("users", "2024-06-05")["extract.users"].counts["read"] == 2
        assert users.query(self.NOW) == [(1, "old"), (2, "B"), (3, "c")]

    def test_such_a_run_again_after_one_of_those_days(self, users: Folder, database: Do) -> None:
        """It reads what it had read: the rows that it brought are not in the day between."""
        database("INSERT INTO users VALUES (1, 'a', '2024-06-02 01:00')")
        users.run("users", "2024-06-05")
        database("INSERT INTO users VALUES (2, 'b', '2024-06-04 01:00')")
        for day in ("2024-06-03", "2024-06-05", "2024-06-05"):
            users.run("users", day)
        assert users.query(self.NOW) == [(1, "a"), (2, "b")]

        database("UPDATE users SET name = 'A', changed_at = '2024-06-07 01:00' WHERE id = 1")
        users.run("users", "2024-06-07")
        users.run("users", "2024-06-05")
        assert users.query(self.NOW) == [(1, "A"), (2, "b")]

    def test_a_history_of_changes(self, users: Folder, database: Do) -> None:
        change = users.root / "pipelines/users.yml"
        change.write_text(change.read_text().replace("strategy: merge", "strategy: scd2"))
        for day, name in ((1, "a"), (2, "b"), (3, "b")):
            database("DELETE FROM users")
            database(f"INSERT INTO users VALUES (1, '{name}', '2024-06-0{day} 08:00')")
            users.run("users", f"2024-06-0{day}")

        history = "SELECT name, is_current FROM users_now ORDER BY valid_from"
        assert users.query(history) == [("a", False), ("b", True)]

    def test_a_history_by_the_moments_of_changes(self, users: Folder, database: Do) -> None:
        """A day that is run after the next one is put between; what was seen once stays."""
        by_moment(users)
        name = "UPDATE users SET name = '{0}', changed_at = '2024-06-0{1} 08:30'"
        database("INSERT INTO users VALUES (1, 'a', '2024-06-01 08:00')")
        users.run("users", "2024-06-01")
        database(name.format("b", 2))
        users.run("users", "2024-06-03")
        database(name.format("c", 4))
        for day in (4, 3, 1, 2):
            users.run("users", f"2024-06-0{day}")

        history = (
            "SELECT name, strftime(valid_from AT TIME ZONE 'UTC', '%d %H:%M'), is_current "
            "FROM users_now ORDER BY valid_from"
        )
        assert users.query(history) == [
            ("a", "01 08:00", False), ("b", "02 08:30", False), ("c", "04 08:30", True),
        ]  # fmt: skip

    def test_a_row_is_deleted_in_a_table_that_is_read_whole(
        self, users: Folder, database: Do, etl: Etl
    ) -> None:
        by_moment(users)
        change = users.root / "pipelines/users.yml"
        text = change.read_text().replace("    updated_at: changed_at\n", "")
        change.write_text(text.replace("changed_at}", "changed_at, on_missing: close}"))
        assert "E321" not in etl("lint").stdout
        rows = "(1, 'a', '2024-06-01 08:00'), (2, 'b', '2024-06-01 09:00')"
        database(f"INSERT INTO users VALUES {rows}")
        users.run("users", "2024-06-01")
        database("DELETE FROM users WHERE id = 2")
        for day in ("2024-06-02", "2024-06-01", "2024-06-02"):
            users.run("users", day)

        history = "SELECT name, CAST(valid_to AT TIME ZONE 'UTC' AS VARCHAR) FROM users_now"
        assert sorted(users.query(history)) == [("a", None), ("b", "2024-06-03 00:00:00")]

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            (
                "updated_at: changed_at}",
                "updated_at: nam}",
                "'nam' is not one of 'columns'",
            ),
            ("updated_at: changed_at}", "updated_at: name}", "is a date or timestamp, and 'name'"),
            ("scd2, ", "merge, ", "strategy 'merge' has no 'updated_at'"),
            (
                "changed_at}",
                "changed_at, on_missing: delete}",
                "with updated_at has no on_missing: delete\n  hint: write keep or close",
            ),
            (
                "changed_at}",
                "changed_at, on_missing: close}",
                "E321 each run brings its data interval's rows, and 'users_now' would end all",
            ),
        ],
    )
    def test_a_history_by_moments_that_cannot_be(
        self, users: Folder, etl: Etl, old: str, new: str, expected: str
    ) -> None:
        by_moment(users)
        change = users.root / "pipelines/users.yml"
        change.write_text(change.read_text().replace(old, new))
        assert expected in etl("lint").stdout

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ("merge, unique_key: [id]", "append", "E322 'users' gives a row in each data interval"),
            ("changed_at\n", "changed_at\n    incremental_key: id\n", "E204 rows are placed by"),
            ("updated_at: changed_at", "lookback: 2h", "E204 'lookback' needs 'incremental_key'"),
        ],
    )
    def test_what_does_not_fit(
        self, users: Folder, etl: Etl, old: str, new: str, expected: str
    ) -> None:
        change = users.root / "pipelines/users.yml"
        change.write_text(change.read_text().replace(old, new))
        assert expected in etl("lint").stdout


def by_moment(users: Folder) -> None:
    """Let the KPI be a history by the moments at which rows changed."""
    column = "      - {name: changed_at, type: timestamp}\n"
    text = CHANGES.replace(NAME, NAME + column)
    how = "strategy: scd2, unique_key: [id], updated_at: changed_at"
    text = text.replace("strategy: merge, unique_key: [id]", how)
    users.write("pipelines/users.yml", text)
    users.write("sql_templates/users.sql", "SELECT id, name, changed_at FROM users\n")


NAME = "      - {name: name, type: varchar(20)}\n"
