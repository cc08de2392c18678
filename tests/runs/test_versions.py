"""Facts joined with the version of their time: a history and its readers in one pipeline."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from etl_framework.project.project import load_project
from tests.cli.conftest import Etl
from tests.conftest import ELSEWHERE, Folder, bucket, in_postgres, in_the_cluster, moved

SOLD = """\
  sold:
    type: csv
    connection: lake
    path: sold/{{ interval.date }}.csv
    columns:
      - {name: sale, type: integer, primary_key: true}
      - {name: customer, type: integer, required: true}
      - {name: sold_at, type: timestamp}
"""
SALES = (
    """
name: sales
schedule: "@daily"
timezone: Europe/Berlin
start_date: 2024-06-01
sources:
  customers:
    type: csv
    connection: lake
    path: customers/{{ interval.date }}.csv
    may_be_empty: true
    columns:
      - {name: customer, type: integer, primary_key: true}
      - {name: country, type: varchar(2)}
"""
    + SOLD
    + """\
kpis:
  customers_history:
    sql: sales/customers.sql
    target:
      connection: warehouse
      table: customers_history
      strategy: scd2
      unique_key: [customer]
      on_missing: close
    columns:
      - {name: customer, type: integer}
      - {name: country, type: varchar(2)}
  sales_then:
    sql: sales/then.sql
    reads: {customers_history: all}
    target: {connection: warehouse, table: sales_then, strategy: append}
    columns:
      - {name: sale, type: integer, primary_key: true}
      - {name: country, type: varchar(2)}
      - {name: is_current, type: boolean}
"""
)
THEN = """SELECT s.sale, c.country, c.is_current
FROM sold AS s
LEFT JOIN customers_history AS c
    ON c.customer = s.customer AND {{ as_of('c', 's.sold_at') }}
"""
# The country of each customer on each day.
GIVEN: dict[int, dict[int, str]] = {
    1: {1: "DE", 2: "FR"}, 2: {1: "DE", 2: "GB"}, 3: {1: "AT"}, 4: {1: "DE", 2: "FR"},
}  # fmt: skip
TIMES = ("01 00:00", "01 23:59", "02 00:00", "02 12:00", "03 00:00", "03 23:59", "04 00:00")
TEST = """    reads: {customers_history: all}
    tests:
      - name: the_version_of_the_time
        given:
          sold:
            - {sale: 1, customer: 7, sold_at: 2024-06-02 00:00:00}
            - {sale: 2, customer: 7, sold_at: 2024-06-01 23:59:59}
            - {sale: 3, customer: 8, sold_at: 2024-06-01 23:59:59}
          customers_history:
            - {customer: 7, country: DE, valid_from: "2024-06-01 00:00:00+02",
               valid_to: "2024-06-02 00:00:00+02", is_current: false}
            - {customer: 7, country: AT, valid_from: "2024-06-02 00:00:00+02", is_current: true}
        expect:
          - {sale: 1, country: AT}
          - {sale: 2, country: DE}
          - {sale: 3, country: null}
"""
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def sales(folder: Folder) -> Folder:
    folder.write("pipelines/sales.yml", SALES)
    folder.write("sql_templates/sales/customers.sql", "SELECT customer, country FROM customers\n")
    folder.write("sql_templates/sales/then.sql", THEN)
    for day, rows in GIVEN.items():
        deliver(folder, day, rows)
        lines = [f"{sale},{customer},{at}" for sale, customer, at in sold_on(day)]
        folder.write(f"lake/sold/2024-06-0{day}.csv", "sale,customer,sold_at\n" + "\n".join(lines))
    return folder


@pytest.fixture(params=ELSEWHERE)
def elsewhere(request: pytest.FixtureRequest, sales: Folder) -> Folder:
    """The same with its targets in other databases."""
    return moved(sales, request)


def deliver(folder: Folder, day: int, rows: dict[int, str]) -> None:
    lines = ["customer,country", *(f"{customer},{country}" for customer, country in rows.items())]
    folder.write(f"lake/customers/2024-06-0{day}.csv", "\n".join(lines) + "\n")


def sold_on(day: int) -> list[tuple[int, int, str]]:
    """Sales of the day and of days before, of three customers; one has no time."""
    times = [f"2024-06-{time}" for time in TIMES if int(time[:2]) <= day]
    times += ["2024-05-31 23:59", ""]
    return [
        (1000 * day + 10 * number + customer, customer, f"{time}:00" if time else "")
        for number, time in enumerate(times)
        for customer in (1, 2, 3)
    ]


def expected(given: dict[int, dict[int, str]]) -> list[tuple[int, str | None, bool | None]]:
    """What each sale gets of the days up to its own that are there."""
    rows = []
    for day in given:
        for sale, customer, time in sold_on(day):
            at = datetime.fromisoformat(time).replace(tzinfo=BERLIN) if time else None
            rows.append((sale, *version(given, day, customer, at)))
    return sorted(rows)


def version(
    given: dict[int, dict[int, str]], day: int, customer: int, at: datetime | None
) -> tuple[str | None, bool | None]:
    known = [number for number in sorted(given) if number <= day]
    seen = [n for n in known if at and datetime(2024, 6, n, tzinfo=BERLIN) <= at]
    country = given[seen[-1]].get(customer) if seen else None
    if country is None:
        return None, None
    return country, all(given[n].get(customer) == country for n in known if n >= seen[-1])


def rows(folder: Folder, table: str = "sales_then") -> list[tuple[Any, ...]]:
    workspace = load_project(folder.root).workspace(None)
    with workspace.warehouse("warehouse", read_only=True) as warehouse:
        return sorted(warehouse.query(f"SELECT sale, country, is_current FROM {table}")[1])


def ran(etl: Etl, *arguments: str) -> str:
    done = etl("run", "sales", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_days_in_order(sales: Folder, etl: Etl) -> None:
    for day in GIVEN:
        told = ran(etl, "--date", f"2024-06-0{day}")
        assert told.count("publish") == 1, told  # no day before is run again

    assert rows(sales) == expected(GIVEN)
    assert {country for _, country, _ in rows(sales)} == {"DE", "FR", "GB", "AT", None}


@pytest.mark.slow
def test_in_other_databases(elsewhere: Folder, etl: Etl) -> None:
    for day in (1, 3, 2, 4, 2):
        ran(etl, "--date", f"2024-06-0{day}")

    assert rows(elsewhere) == expected(GIVEN)


@pytest.mark.slow
@pytest.mark.parametrize("order", list(permutations((1, 2, 3)))[1:], ids=str)
def test_any_order_gives_the_same(sales: Folder, etl: Etl, order: tuple[int, ...]) -> None:
    """Days that have read a history without a late one are run again; a rerun changes nothing."""
    for day in (*order, order[0]):
        ran(etl, "--date", f"2024-06-0{day}")

    assert rows(sales) == expected({day: GIVEN[day] for day in (1, 2, 3)})


def test_a_day_that_is_corrected(sales: Folder, etl: Etl) -> None:
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-03")
    deliver(sales, 1, {1: "CH"})
    told = ran(etl, "--date", "2024-06-01")

    assert rows(sales) == expected({1: {1: "CH"}, 2: GIVEN[2], 3: GIVEN[3]}), told


def test_a_unit_test_gives_versions(sales: Folder, etl: Etl) -> None:
    sales.write("pipelines/sales.yml", SALES.replace("    reads: {customers_history: all}\n", TEST))

    done = etl("test")
    assert (done.returncode, etl("lint").stdout) == (0, ""), done.stdout


def test_lint_knows_the_columns(sales: Folder, etl: Etl) -> None:
    text = THEN.replace("c.is_current", "c.valid_form IS NULL AS is_current")
    sales.write("sql_templates/sales/then.sql", text.replace("'c'", "'d'"))
    assert etl("lint").stdout.splitlines()[:6] == [
        "sql_templates/sales/then.sql:1:29: E413 unknown column 'valid_form' in 'c'",
        "  hint: did you mean 'valid_from'?",
        "sql_templates/sales/then.sql:4:36: E412 unknown table 'd'",
        "  hint: known: c, s",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("customers_history: all", "customers_history: 7d", "a history, which has no part of '7d'"),
        ("    reads: {customers_history: all}\n", "", "unknown column 'valid_from' in 'c'"),
    ],
)
def test_what_cannot_be_read(sales: Folder, etl: Etl, old: str, new: str, message: str) -> None:
    assert old in SALES
    sales.write("pipelines/sales.yml", SALES.replace(old, new))
    assert message in etl("lint").stdout


def test_what_is_shown_of_it(sales: Folder, etl: Etl) -> None:
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-02")

    shown = etl("preview", "sales_then", "--limit", "0", "--format", "csv")
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) == 1 + len(sold_on(2))
    assert "DE" in shown.stdout and "GB" in shown.stdout
    assert "customers.country" in etl("lineage", "sales_then.country").stdout
    explained = etl("explain", "sales_then")
    assert explained.returncode == 0, explained.stderr
    assert "customers_history.country" in explained.stdout
    assert "customers_history: data intervals, all before" in etl(
        "plan", "sales", "--format", "json"
    ).stdout.replace("customers_history from warehouse", "customers_history")


def test_nothing_of_later_days_is_seen(sales: Folder, etl: Etl) -> None:
    """A first run of the past, after later days, gives what it would have given then."""
    ran(etl, "--date", "2024-06-03")
    ran(etl, "--date", "2024-06-01")

    assert rows(sales) == expected({1: GIVEN[1], 3: GIVEN[3]})


READER = (
    """
name: reader
schedule: "@daily"
timezone: Europe/Berlin
after: [sales.customers_history]
sources:
  customers_history:
    type: postgres
    connection: rds
    table: customers_history
    columns:
      - {name: customer, type: integer, primary_key: true}
      - {name: country, type: varchar(2)}
      - {name: valid_from, type: timestamptz, primary_key: true}
      - {name: valid_to, type: timestamptz}
      - {name: is_current, type: boolean}
"""
    + SOLD
    + """\
kpis:
  sales_read:
    sql: sales/then.sql
    target: {connection: warehouse, table: sales_read, strategy: append}
    columns:
      - {name: sale, type: integer, primary_key: true}
      - {name: country, type: varchar(2)}
      - {name: is_current, type: boolean}
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_another_pipeline_reads_the_table(
    sales: Folder, etl: Etl, postgres: str, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch, engine: str,
) -> None:  # fmt: skip
    """A backfill, days after: each sale has the version of its time, and not that of today."""
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    there = (sales.root / "environments.yml").read_text()
    in_postgres(sales, postgres)
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-04")
    sales.write("environments.yml", there)
    if engine == "redshift":
        request.getfixturevalue("stack")
        in_the_cluster(sales, engine)
        for file in (sales.root / "lake").rglob("*.csv"):
            bucket().write(str(file.relative_to(sales.root / "lake")), file.read_bytes())
    sales.write("pipelines/reader.yml", READER)
    assert etl("lint").stdout == ""

    done = etl("run", "reader", "--from", "2024-06-01", "--to", "2024-06-04")

    assert done.returncode == 0, done.stderr
    assert [row[:2] for row in rows(sales, "sales_read")] == [row[:2] for row in expected(GIVEN)]
