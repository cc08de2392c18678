"""`etl suggest-checks --from-history`: rules over time, tried on the runs so far."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import yaml

from etl_framework.checks.anomaly import Anomaly
from etl_framework.interval import DataInterval
from etl_framework.workbench.backtest import verdicts
from tests.cli.conftest import Etl, etl
from tests.conftest import Folder

__all__ = ["etl"]
HEAD = "order_id,customer,amount,ordered_at\n"


@pytest.fixture
def runs(orders: Folder) -> Folder:
    """Four weeks of files: many rows on Sundays, one odd Wednesday, a constant customer."""
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text().replace("path: orders/*.csv", 'path: "{{ interval.date }}.csv"')
    file.write_text(text.replace("table: totals}", "table: totals, strategy: snapshot}"))
    for number in range(28):
        day = date(2024, 6, 3) + timedelta(days=number)
        count = 100 if day.weekday() == 6 else 30 if number == 23 else 10 + number % 2
        rows = "".join(f"{n},ada,{n % 3},{day} 08:00:00\n" for n in range(count))
        orders.write(f"lake/{day}.csv", HEAD + rows + "x,ada,1,2024-06-03\n")
        orders.run("orders", str(day))
    return orders


def test_how_often_each_rule_would_have_spoken(runs: Folder, etl: Etl) -> None:
    done = etl("suggest-checks", "orders", "--from-history")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "# 28 data intervals of orders, 2024-06-03 to 2024-06-30",
        "    checks:",
    ]
    told = {line.partition("{")[2].partition("}")[0]: line for line in lines[2:]}
    # Sundays, and the odd day; weekdays have too short a past for a season of weeks.
    assert told["type: anomaly"].endswith(
        "would have spoken 4 of 21 times: 2024-06-16, 2024-06-23, 2024-06-26, 2024-06-30"
    )
    assert "# too often: - {type: anomaly}" in told["type: anomaly"]
    assert "0 of 21 times" in told["type: anomaly, of: null_rate, column: amount"]
    assert "type: anomaly, of: distinct_count, column: customer" not in told
    assert "type: anomaly, of: rejected" not in told  # it was always one
    checks = yaml.safe_load("\n".join(lines[1:]).replace("# too often: ", ""))["checks"]
    assert {check["type"] for check in checks} == {"anomaly"}


def test_what_it_prints_can_be_pasted_and_says_the_same(runs: Folder, etl: Etl) -> None:
    done = etl("suggest-checks", "totals", "--from-history")
    assert done.returncode == 0, done.stderr
    file = runs.root / "pipelines/orders.yml"
    file.write_text(file.read_text().rstrip() + "\n" + done.stdout)
    assert etl("lint").returncode == 0


def test_a_number_is_judged_by_the_latest_before_it() -> None:
    """A level that it has left behind counts no more."""
    start = datetime(2024, 6, 1, tzinfo=UTC)
    days = [
        DataInterval(start + timedelta(days=n), start + timedelta(days=n + 1)) for n in range(30)
    ]
    values = [(day, 1000.0 + n % 2 if n < 15 else 10.0 + n % 2) for n, day in enumerate(days)]
    rule = Anomaly(type="anomaly", window=5, warm_up=3)
    kept = dict(verdicts(rule, values))

    assert not kept[days[15]]
    assert all(kept[day] for day in days[22:])
    assert list(kept) == days[3:]


def test_too_short_a_past(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    done = etl("suggest-checks", "orders", "--from-history")
    assert done.returncode == 1
    assert "1 data intervals of 'orders' are in staging\n  hint: 8 are needed" in done.stderr
