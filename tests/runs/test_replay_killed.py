"""A replay that was killed at any moment goes on by the same command, and twice is once."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Selection
from tests.cli.conftest import Etl
from tests.conftest import REPOSITORY, Folder
from tests.thorough import amount

pytestmark = pytest.mark.slow
DAYS = ("2024-06-25", "2024-06-26")
# Runs the command and kills it before the n-th change of a file or folder in staging.
KILLED = """
import os, signal, sys

left = int(sys.argv.pop(1))

def count(event, arguments):
    global left
    if event in ("os.rename", "shutil.rmtree") and "staging" in str(arguments[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
from etl_framework.cli import main
main()
"""
PIPELINE = """
    name: orders
    schedule: "@daily"
    sources:
      orders:
        type: csv
        connection: lake
        path: "orders/{{ interval.date }}.csv"
        max_rejected: "90%"
        columns:
          - {name: order_id, type: integer}
          - {name: amount, type: "decimal(10,2)"}
          - {name: day, type: date}
        checks:
          - {type: accepted_range, column: amount, min: 0, on_fail: quarantine}
    kpis:
      daily:
        sql: daily.sql
        target: {connection: warehouse, table: daily, strategy: delete+insert, incremental_key: day}
        columns:
          - {name: day, type: date, primary_key: true}
          - {name: amount, type: "decimal(12,2)"}
    """
RIGHT = [("2024-06-25", "17.00"), ("2024-06-26", "17.00")]


@pytest.fixture
def rejected(orders: Folder) -> Folder:
    """Two days with a row that does not parse and one that breaks a check; a file to correct them.

    A third rejected row of each day is in the file as it is.
    """
    orders.write("pipelines/orders.yml", PIPELINE)
    sql = "SELECT day, SUM(amount) AS amount FROM orders GROUP BY day"
    orders.write("sql_templates/daily.sql", sql)
    for day in DAYS:
        rows = f"1,10.00,{day}\ntwo,2.00,{day}\n3,-5.00,{day}\nfour,,\n"
        orders.write(f"lake/orders/{day}.csv", f"order_id,amount,day\n{rows}")
        orders.run("orders", day)
    found = Quarantine(load_project(orders.root), None, "orders").rows(Selection())
    lines = [["etl_id", "order_id", "amount", "day"]]
    for row in found:
        values = row.values
        if values["order_id"] == "two":
            values = {**values, "order_id": "2"}
        if values["order_id"] == "3":
            values = {**values, "amount": "5.00"}
        lines.append([row.id, *(values[name] or "" for name in lines[0][1:])])
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    orders.write("fix.csv", out.getvalue())
    return orders


def killed(folder: Folder, number: int, *arguments: str) -> bool:
    """Whether the command was killed, or came to its end before."""
    command = [sys.executable, "-c", KILLED, str(number), *arguments]
    done = subprocess.run(
        command, cwd=folder.root, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


def daily(folder: Folder) -> list[tuple[Any, ...]]:
    return folder.query(
        "SELECT CAST(day AS VARCHAR), CAST(amount AS VARCHAR) FROM daily ORDER BY 1"
    )


def left(folder: Folder) -> list[str]:
    rows = Quarantine(load_project(folder.root), None, "orders").rows(Selection())
    return [row.row for row in rows]


def each_kill(folder: Folder, *arguments: str, step: int = 1) -> Iterator[int]:
    """Kill the command at one moment after the other, each time from the same state."""
    saved = folder.root.with_name(f"{folder.root.name}-saved")
    shutil.copytree(folder.root, saved)
    for number in range(1, 100, step):
        for path in folder.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(saved, folder.root, dirs_exist_ok=True)
        if not killed(folder, number, *arguments):
            assert number > 10
            return
        yield number


def test_corrections(rejected: Folder, etl: Etl) -> None:
    replay = ("quarantine", "replay", "orders", "--with", "fix.csv")
    for number in each_kill(rejected, *replay, step=amount(13, 1)):
        again = etl(*replay)
        assert again.returncode == 0, f"killed at {number}: {again.stderr}"
        assert daily(rejected) == RIGHT, f"killed at {number}"
        assert left(rejected) == ["four,,"] * 2, f"killed at {number}"
    assert daily(rejected) == RIGHT
    twice = etl(*replay)
    assert (twice.returncode, twice.stdout) == (0, ""), twice.stderr
    assert "differs from what was rejected" in twice.stderr


def test_the_second_time_without_the_file(rejected: Folder, etl: Etl) -> None:
    replay = ("quarantine", "replay", "orders", "--with", "fix.csv")
    for number in each_kill(rejected, *replay, step=amount(23, 1)):
        taken = list((rejected.root / ".etl/staging").glob("*/*/decisions/orders.json"))
        assert etl("quarantine", "replay", "orders").returncode == 0
        right = RIGHT[: len(taken)] + [(day, "10.00") for day, _ in RIGHT[len(taken) :]]
        assert daily(rejected) == right, f"killed at {number}"
        assert not list(Path(rejected.root).glob(".etl/staging/*/*/replay/*"))


def test_a_replay_that_failed_can_be_corrected_again(
    rejected: Folder,
    etl: Etl,
) -> None:
    """The correction of the correction is not kept out by the run that fails."""
    file = rejected.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text().replace(
            "on_fail: quarantine}\n", "on_fail: quarantine}\n"
            "      - {type: accepted_range, column: amount, max: 100}\n", 1,
        )
    )  # fmt: skip
    fix = rejected.root / "fix.csv"
    right = fix.read_text()
    fix.write_text(right.replace("5.00", "500.00"))
    replay = ("quarantine", "replay", "orders", "--with", "fix.csv")
    failed = etl(*replay)
    assert (failed.returncode, "R320" in failed.stderr) == (1, True), failed.stderr

    fix.write_text(right)
    again = etl(*replay)

    assert again.returncode == 0, again.stderr
    assert daily(rejected) == RIGHT


def test_a_row_that_was_corrected_can_be_corrected_anew(
    rejected: Folder,
    etl: Etl,
) -> None:
    replay = ("quarantine", "replay", "orders", "--with", "fix.csv")
    assert etl(*replay).returncode == 0
    fix = rejected.root / "fix.csv"
    fix.write_text(fix.read_text().replace("2,2.00", "2,3.00"))

    assert etl(*replay).returncode == 0

    assert daily(rejected) == [(day, "18.00") for day in DAYS]


def test_appended_rows_of_a_replay_that_was_killed(rejected: Folder, etl: Etl) -> None:
    """Nothing of the days was in the table before the replay, which put it there once."""
    file = rejected.root / "pipelines/orders.yml"
    text = file.read_text().replace("delete+insert, incremental_key: day", "append")
    file.write_text(text.replace("table: daily", "table: appended"))
    (rejected.root / ".etl/warehouse.duckdb").unlink()
    replay = ("quarantine", "replay", "orders", "--with", "fix.csv")
    for number in each_kill(rejected, *replay, step=amount(23, 1)):
        again = etl(*replay)
        assert again.returncode == 0, f"killed at {number}: {again.stderr}"
        rows = rejected.query("SELECT CAST(amount AS VARCHAR) FROM appended")
        assert rows == [("17.00",), ("17.00",)], f"killed at {number}"
