"""`etl status`, `etl show runs`, `etl run --missing`: what became of every data interval."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl_framework.devstack.stack import Stack
from tests.cli.conftest import Etl
from tests.conftest import ORDERS, Folder, in_the_cluster
from tests.runs.processes import ended, start, until

TO = ("--to", "2024-06-29")
DAYS = (
    ORDERS.replace("orders/*.csv", "orders/{{ interval.date }}.csv")
    .replace("table: totals}", "table: totals, strategy: append}")
    .replace(", primary_key: true", "")
)


@pytest.fixture
def days(orders: Folder) -> Folder:
    """A file for each of four days; the third has no row, so that its run fails."""
    orders.write("pipelines/orders.yml", "start_date: 2024-06-25\n" + DAYS.lstrip())
    for number in (25, 26, 27, 28):
        rows = "" if number == 27 else f"{number},ada,1.00,2024-06-{number} 08:00:00\n"
        orders.write(
            f"lake/orders/2024-06-{number}.csv", f"order_id,customer,amount,ordered_at\n{rows}"
        )
    return orders


def states(etl: Etl, *more: str) -> list[str]:
    told = etl("status", "--format", "json", *more)
    (row,) = json.loads(told.stdout)
    bad = {"failed", "missing", "late"} & {cell["state"] for cell in row["intervals"]}
    assert told.returncode == (1 if bad else 0)
    return [cell["state"] for cell in row["intervals"]]


def runs(etl: Etl) -> list[dict[str, Any]]:
    shown = etl("show", "runs", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_what_is_published_failed_and_missing(days: Folder, etl: Etl) -> None:
    for day in ("2024-06-25", "2024-06-27"):
        etl("run", "orders", "--date", day)

    assert states(etl, "orders", *TO) == ["published", "missing", "failed", "missing", "missing"]
    told = etl("status", *TO, "--last", "4").stdout
    assert "orders  ·✗··  2024-06-26 to 2024-06-29\n" in told
    assert (
        "orders 2024-06-27 failed: R330 the files of 'orders/2024-06-27.csv' have no rows" in told
    )
    assert "orders missing: 2024-06-26, 2024-06-28, 2024-06-29\n" in told
    assert "etl run orders --missing --from 2024-06-26 --to 2024-06-29" in told


def test_the_gaps_are_run(days: Folder, etl: Etl) -> None:
    etl("run", "orders", "--date", "2024-06-26")
    told = etl("run", "orders", "--missing", "--to", "2024-06-28", "--keep-going")

    assert told.returncode == 1
    lines = told.stderr.splitlines()
    assert lines[0] == "3 data intervals to run, the oldest first"
    assert [line[:12] for line in lines[1:4]] == ["✓ [2024-06-2", "✗ [2024-06-2", "✓ [2024-06-2"]
    assert lines[4] == "3 data intervals: 2 done, 1 failed (2024-06-27)"
    assert "R330 the files of 'orders/2024-06-27.csv' have no rows" in told.stderr
    assert states(etl, "--to", "2024-06-28") == ["published", "published", "failed", "published"]

    days.write(
        "lake/orders/2024-06-27.csv",
        "order_id,customer,amount,ordered_at\n27,ada,1.00,2024-06-27 08:00:00\n",
    )
    assert etl("run", "orders", "--missing", "--to", "2024-06-28").returncode == 0
    assert states(etl, "--to", "2024-06-28") == ["published"] * 4
    assert "nothing is missing" in etl("run", "orders", "--missing", "--to", "2024-06-28").stderr


def test_a_backfill_stops_at_the_first_bad_day(days: Folder, etl: Etl) -> None:
    told = etl("run", "orders", "--from", "2024-06-25", "--to", "2024-06-28")

    assert told.returncode == 1
    counted = "4 data intervals: 2 done, 1 failed (2024-06-27), 1 not tried (2024-06-28)"
    assert counted in told.stderr
    assert "extract.orders" not in told.stderr
    steps = etl("run", "orders", "--from", "2024-06-25", "--to", "2024-06-26", "-v").stderr
    assert "= extract.orders" in steps


def test_a_rerun_that_fails_is_told_and_the_rows_stay(days: Folder, etl: Etl) -> None:
    etl("run", "orders", "--date", "2024-06-25")
    days.write("lake/orders/2024-06-25.csv", "order_id\n1\n")
    etl("run", "orders", "--date", "2024-06-25")

    assert states(etl, "--to", "2024-06-25") == ["failed"]
    assert [run["state"] for run in runs(etl)] == ["failed", "published"]


def test_a_check_that_warns(days: Folder, etl: Etl) -> None:
    days.write("pipelines/orders.yml", days.root.joinpath("pipelines/orders.yml").read_text() + """\
    checks:
      - {type: row_count, min: 5, severity: warn}
""".replace("    checks", "    checks"))  # fmt: skip
    etl("run", "orders", "--date", "2024-06-25")
    assert states(etl, "--to", "2024-06-25") == ["warned"]


def test_what_a_run_says_of_itself(days: Folder, etl: Etl) -> None:
    for command in (
        ["git", "init", "-q"],
        ["git", "add", "."],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"],
    ):
        subprocess.run(command, cwd=days.root, check=True)
    etl("run", "orders", "--date", "2024-06-25")

    (run,) = runs(etl)
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=days.root, capture_output=True, text=True
    ).stdout.strip()
    assert (run["how"], run["commit"], run["rows"], run["error"]) == ("etl run", head, 1, "")
    (file,) = (days.root / ".etl/staging/orders/history").glob("*.json")
    steps = {step["step"]: step for step in json.loads(file.read_text())["steps"]}
    assert steps["extract.orders"]["files"] == ["orders/2024-06-25.csv"]
    assert steps["extract.orders"]["counts"] == {"read": 1, "kept": 1, "rejected": 0}
    assert all(step["started"] and step["state"] == "done" for step in steps.values())


def test_a_run_that_is_killed(days: Folder, etl: Etl) -> None:
    """As long as it runs it is running, and afterwards it was killed."""
    file = days.root / "lake/orders/2024-06-25.csv"
    file.unlink()
    os.mkfifo(file)
    process = start(days.root, "run", "orders", "--date", "2024-06-25")
    folder = days.root / ".etl/staging/orders/history"
    until(lambda: list(folder.glob("*.json")), process)

    assert states(etl, "--to", "2024-06-25") == ["running"]
    process.send_signal(signal.SIGKILL)
    ended(process)
    assert states(etl, "--to", "2024-06-25") == ["failed"]
    assert "orders 2024-06-25 failed: it was killed" in etl("status", "--to", "2024-06-25").stdout


def test_old_records_are_forgotten(days: Folder, etl: Etl) -> None:
    for day in ("2024-06-25", "2024-06-26"):
        etl("run", "orders", "--date", day)
    file, _ = sorted((days.root / ".etl/staging/orders/history").glob("*.json"))
    file.rename(file.with_name("2020" + file.name[4:]))

    assert "and 1 records of runs" in etl("clean").stderr
    assert len(runs(etl)) == 1


def test_a_broken_record_is_left_out(days: Folder, etl: Etl) -> None:
    etl("run", "orders", "--date", "2024-06-25")
    (file,) = (days.root / ".etl/staging/orders/history").glob("*.json")
    file.write_text(file.read_text()[:100])

    assert runs(etl) == []
    assert states(etl, "--to", "2024-06-25") == ["published"]


def test_the_newest_interval_is_due_and_then_late(days: Folder, etl: Etl) -> None:
    file = days.root / "pipelines/orders.yml"
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    text = file.read_text().replace("2024-06-25\n", f"{yesterday}\n", 1)
    file.write_text("deadline: 100d\n" + text)
    assert states(etl) == ["due"]
    file.write_text("deadline: 1s\n" + text)
    assert states(etl) == ["late"]


def test_a_kpi_that_is_held_back_is_a_failure(days: Folder, etl: Etl) -> None:
    file = days.root / "pipelines/orders.yml"
    text = "publish: each\n" + file.read_text()
    more = """\
    checks:
      - {type: accepted_range, column: orders, min: 2}
  others:
    sql: orders/totals.sql
    target: {connection: warehouse, table: others, strategy: append}
    columns:
      - {name: customer, type: varchar(20)}
      - {name: orders, type: integer}
      - {name: amount, type: "decimal(12,2)"}
"""
    file.write_text(text.rstrip() + "\n" + more)
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 1
    assert days.query("SELECT orders FROM others") == [(1,)]

    assert states(etl, "--to", "2024-06-25") == ["failed"]
    assert [run["state"] for run in runs(etl)] == ["failed"]
    again = etl("run", "orders", "--missing", "--to", "2024-06-25")
    assert again.returncode == 1 and "1 data interval to run" in again.stderr


def test_every_step_and_on_behind_a_bad_day(days: Folder, etl: Etl) -> None:
    told = etl("run", "orders", "--from", "2024-06-26", "--to", "2024-06-28", "-v", "--keep-going")

    assert told.returncode == 1 and "3 data intervals: 2 done, 1 failed (2024-06-27)" in told.stderr
    assert told.stderr.count("✓ publish") == 2


def test_hours_before_the_first_run_are_not_missing(days: Folder, etl: Etl) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text().replace("@daily", "@hourly").replace("start_date: 2024-06-25\n", "")
    )
    days.run("orders", "2024-06-25")
    days.run("orders", "2024-06-25")
    found = states(etl, "--to", "2024-06-25", "--last", "100")

    assert found == ["published", *["missing"] * 23]


@pytest.mark.parametrize(
    "wrong", [("--from", "2024-06-28", "--to", "2024-06-25"), ("--date", "2024-06-25", *TO)]
)
def test_gaps_of_days_that_do_not_go_together(days: Folder, etl: Etl, wrong: tuple[str]) -> None:
    assert etl("run", "orders", "--missing", *wrong).returncode == 2


def test_a_pipeline_that_was_never_run(orders: Folder, etl: Etl) -> None:
    assert etl("status").stdout == "orders  no data interval was run, and none is expected\n"
    assert states(etl) == []
    wrong = etl("status", "ordres")
    assert wrong.returncode == 2 and "did you mean 'orders'" in wrong.stderr


def test_records_in_s3(days: Folder, stack: Stack, etl: Etl) -> None:
    in_the_cluster(days, "duckdb")
    told = etl("run", "orders", "--date", "2024-06-25")

    assert told.returncode == 1  # there are no files in S3
    assert states(etl, "--to", "2024-06-25") == ["failed"]
    (run,) = runs(etl)
    assert run["error"].startswith("R330 no file matches")
