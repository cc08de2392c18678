"""Runs of chosen days: each data interval is its own, in the pipeline's time zone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Folder
from tests.runs.music import Row

pytestmark = pytest.mark.slow
BERLIN = ZoneInfo("Europe/Berlin")
SALES = """
name: sales
schedule: "@daily"
timezone: Europe/Berlin
sources:
  sales:
    type: csv
    connection: lake
    path: sales/{{ interval.date }}.csv
    columns:
      - {name: amount, type: integer}
      - {name: sold_at, type: timestamp}
kpis:
  daily:
    sql: sales/daily.sql
    target: {connection: warehouse, table: daily, strategy: delete+insert, incremental_key: day}
    columns:
      - {name: day, type: date}
      - {name: amount, type: bigint}
"""
DAILY = """
SELECT CAST(sold_at AS DATE) AS day, SUM(amount) AS amount
FROM sales
WHERE sold_at >= {{ interval.start }} AND sold_at < {{ interval.end }}
GROUP BY CAST(sold_at AS DATE)
"""
TABLE = "SELECT day::varchar, amount FROM daily ORDER BY day"


@pytest.fixture
def sales(folder: Folder) -> Folder:
    """A file a day; each also holds a sale of the next day's midnight, which is not its own."""
    folder.write("pipelines/sales.yml", SALES)
    folder.write("sql_templates/sales/daily.sql", DAILY)
    for number in range(24, 29):
        sell(folder, number, number)
    return folder


def sell(folder: Folder, number: int, amount: int) -> None:
    folder.write(
        f"lake/sales/2024-06-{number}.csv",
        f"""
        amount,sold_at
        {amount},2024-06-{number} 00:00:00
        {amount},2024-06-{number} 23:59:59.999999
        1000,2024-06-{number + 1} 00:00:00
        """,
    )


def days(*numbers: int) -> list[Row]:
    return [(f"2024-06-{number}", 2 * number) for number in numbers]


def ledger(folder: Folder) -> list[datetime]:
    rows = folder.query("SELECT interval_start FROM etl_ledger ORDER BY 1")
    return [start.astimezone(UTC) for (start,) in rows]


def midnight(number: int) -> datetime:
    return datetime(2024, 6, number, tzinfo=BERLIN).astimezone(UTC)


def test_a_range_of_days_includes_both_ends(sales: Folder) -> None:
    done = sales.etl("run", "sales", "--from", "2024-06-25", "--to", "2024-06-27")

    assert done.returncode == 0, done.stderr
    assert sales.query(TABLE) == days(25, 26, 27)
    assert ledger(sales) == [midnight(25), midnight(26), midnight(27)]
    assert midnight(25) == datetime(2024, 6, 24, 22, tzinfo=UTC)
    assert "[2024-06-25 00:00, 2024-06-26 00:00)" in done.stderr


def test_one_day_again_changes_only_its_own_rows(sales: Folder) -> None:
    for number in (25, 26, 27):
        sales.run("sales", f"2024-06-{number}")
    sell(sales, 26, 100)
    again = sales.etl("run", "sales", "--date", "2024-06-26")

    assert again.returncode == 0, again.stderr
    assert sales.query(TABLE) == [*days(25), ("2024-06-26", 200), *days(27)]
    assert len(ledger(sales)) == 3


def test_the_order_of_the_days_does_not_matter(sales: Folder) -> None:
    for number in (28, 24, 26, 24):
        sales.run("sales", f"2024-06-{number}")

    assert sales.query(TABLE) == days(24, 26, 28)
    assert ledger(sales) == [midnight(24), midnight(26), midnight(28)]


def test_each_day_has_its_own_finished_steps(sales: Folder) -> None:
    sales.run("sales", "2024-06-25")

    assert sales.run("sales", "2024-06-26")["extract.sales"].state == "done"
    assert sales.run("sales", "2024-06-25")["extract.sales"].state == "reused"


def test_a_day_that_fails_keeps_the_days_before_it(sales: Folder) -> None:
    (sales.root / "lake/sales/2024-06-27.csv").unlink()
    done = sales.etl("run", "sales", "--from", "2024-06-25", "--to", "2024-06-28")

    assert done.returncode == 1
    assert "no file matches 'sales/2024-06-27.csv'" in done.stderr
    assert sales.query(TABLE) == days(25, 26)


def test_without_a_date_it_is_the_latest_complete_interval(sales: Folder) -> None:
    yesterday = (datetime.now(BERLIN) - timedelta(days=1)).date()
    sales.write(f"lake/sales/{yesterday}.csv", f"amount,sold_at\n7,{yesterday} 12:00:00\n")
    done = sales.etl("run", "sales")

    assert done.returncode == 0, done.stderr
    assert sales.query(TABLE) == [(str(yesterday), 7)]
    (row,) = json.loads(sales.etl("show", "ledger", "--format", "json").stdout)
    start = datetime.fromisoformat(row["interval_start"]).astimezone(BERLIN)
    assert (start.date(), start.hour) == (yesterday, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--date", "yesterday"], "is not a date", id="a word for a date"),
        pytest.param(["--from", "2024-06-25"], "--from and --to go together", id="half a range"),
        pytest.param(
            ["--from", "2024-06-25", "--to", "2024-06-24"], "is after --to", id="backwards"
        ),
        pytest.param(
            ["--date", "2024-06-25", "--from", "2024-06-25", "--to", "2024-06-25"],
            "either --date, or --from and --to", id="a day and a range",
        ),
    ],
)  # fmt: skip
def test_dates_that_mean_nothing(sales: Folder, arguments: list[str], message: str) -> None:
    done = sales.etl("run", "sales", *arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert not (sales.root / ".etl").exists()
