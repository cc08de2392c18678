"""`etl run --jobs`: several pipelines side by side."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from etl_framework.targets import duckdb as target
from tests.cli.conftest import Etl
from tests.cli.test_several import DAY, orders, tables
from tests.conftest import Folder

__all__ = ["orders"]


# Opens a DuckDB file, says so, and lets it go when it is told to.
HOLDER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"


def begun(told: str) -> list[str]:
    return [line.split()[1] for line in told.splitlines() if line.startswith("… ")]


def test_each_after_those_that_it_waits_for(orders: Folder, etl: Etl) -> None:
    done = etl("run", "*", *DAY, "--jobs", "3")
    assert done.returncode == 0, done.stderr
    ended = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("✓ ")]
    assert sorted(begun(done.stderr)[:2]) == ["other", "shop"]
    assert [name for name in begun(done.stderr) if name != "other"] == ["shop", "later", "last"]
    assert {"shop", "later", "last", "other"} <= set(ended)
    assert "4 pipelines: 4 done" in done.stderr
    assert tables(orders) == {"shop", "later", "last", "other"}
    assert done.stdout.count("published 2 rows to ") == 4


def test_one_failure_stops_what_depends_on_it(orders: Folder, etl: Etl) -> None:
    file = orders.root / "pipelines/shop.yml"
    file.write_text(file.read_text().rstrip() + "\n    checks: [{type: row_count, min: 99}]\n")
    done = etl("run", "*", *DAY, "--jobs", "2")
    assert done.returncode == 1
    assert "4 pipelines: 1 done, 1 failed (shop), 2 not run (later, last)" in done.stderr
    assert "R320" in done.stderr
    assert tables(orders) == {"other"}


def test_options_reach_every_run(orders: Folder, etl: Etl) -> None:
    assert etl("run", "shop", "other", *DAY, "--jobs", "2").returncode == 0
    again = etl("run", "shop", "other", *DAY, "--jobs", "2")
    assert again.stderr.count("already done") >= 2
    fresh = etl("run", "shop.shop", "other", *DAY, "--jobs", "2", "--fresh")
    assert "already done" not in fresh.stderr
    assert etl("run", "shop", "other", "--from", "2024-06-25", "--jobs", "2").returncode == 2


def test_one_document_of_all_of_them(orders: Folder, etl: Etl) -> None:
    file = orders.root / "pipelines/shop.yml"
    file.write_text(file.read_text().rstrip() + "\n    checks: [{type: row_count, min: 99}]\n")
    done = etl("run", "*", *DAY, "--jobs", "2", "--format", "json", "--log-format", "json")
    document = json.loads(done.stdout)

    assert (done.returncode, document["state"]) == (1, "failed")
    states = {run["pipeline"]: run["state"] for run in document["runs"]}
    assert states == {"shop": "failed", "other": "done"}
    assert [problem["code"] for problem in document["problems"]] == ["R320"]
    assert {left["pipeline"] for left in document["not_run"]} == {"later", "last"}
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["pipeline"] for line in told if line["event"] == "step"} == {"shop", "other"}
    assert told[-1]["event"] == "summary"


def test_quiet_prints_the_results_and_the_errors_alone(orders: Folder, etl: Etl) -> None:
    done = etl("run", "shop", "other", *DAY, "--jobs", "2", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("published 2 rows to ") == 2


def test_a_file_that_another_process_has_open_is_waited_for(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = orders.root / ".etl/warehouse.duckdb"
    file.parent.mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout and holder.stdout.readline() == "1\n"
    waits = []

    def let_go(seconds: float) -> None:
        waits.append(seconds)
        if holder.poll() is None:
            holder.communicate("\n")

    monkeypatch.setattr(target.time, "sleep", let_go)
    done = etl("run", "shop", *DAY)
    assert (done.returncode, bool(waits)) == (0, True), done.stderr
