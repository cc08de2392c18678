"""Staging: only what is finished counts, and one process at a time is in a run's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from etl_framework.errors import RetryableError
from etl_framework.run.run import Run
from etl_framework.storage.outcome import Outcome
from etl_framework.storage.staging import Staging
from etl_framework.storage.step_folder import StepFolder
from tests.conftest import REPOSITORY, Folder

HOLD = """
import sys
from pathlib import Path
from etl_framework.storage.staging import Staging
with Staging(Path(sys.argv[1])).run("p", "day").locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def step(tmp_path: Path) -> StepFolder:
    """The folder of a step that has begun and written some rows."""
    folder = Staging(tmp_path).run("p", "day").step("extract.x")
    folder.begin()
    (folder.part("data") / "0.parquet").write_bytes(b"rows")
    return folder


def test_a_step_has_no_result_before_it_finishes(step: StepFolder) -> None:
    assert step.outcome() is None

    step.finish(Outcome({"read": 1}))

    assert step.outcome() == Outcome({"read": 1})


@pytest.mark.parametrize("text", ["", '{"counts": {"re', "[]", "null"])
def test_a_result_that_is_cut_off_does_not_count(step: StepFolder, text: str) -> None:
    (step.path / "result.json").write_text(text)

    assert step.outcome() is None


def test_a_draft_left_by_a_killed_process_does_not_count(step: StepFolder) -> None:
    (step.path / ".result.json").write_text('{"counts": {}}')

    assert step.outcome() is None


def test_a_result_that_cannot_be_written_leaves_none(step: StepFolder) -> None:
    with pytest.raises(TypeError):
        step.finish(Outcome({("a", "key"): 1}))  # type: ignore[dict-item]

    assert step.outcome() is None


def test_beginning_again_forgets_rows_and_result(step: StepFolder) -> None:
    step.finish(Outcome())

    step.begin()

    assert (step.outcome(), step.files("data")) == (None, [])


def test_a_second_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    folder = Staging(tmp_path).run("p", "day")
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdout.readline() == "locked\n"
        with (
            pytest.raises(RetryableError, match="another process is running this interval"),
            folder.locked(),
        ):
            pytest.fail("two processes are in")
        with Staging(tmp_path).run("p", "other day").locked():
            other.communicate("")
    with folder.locked():
        pass


def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout and other.stdout.readline() == "locked\n"
        other.kill()
    with Staging(tmp_path).run("p", "day").locked():
        pass


def test_a_run_does_an_unfinished_step_again(orders: Folder) -> None:
    orders.run("orders")
    folder = Run(orders.plan("orders")).folder.step("extract.orders")
    (folder.path / "result.json").unlink()

    results = orders.run("orders")

    assert results["extract.orders"].state == "done"
    assert orders.query("SELECT sum(orders) FROM totals") == [(3,)]
