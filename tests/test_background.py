"""Tests that send Ctrl-C pass also where a shell started them in the background, by `&`."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

INTERRUPTING = (
    "tests/cli/test_watch.py::test_ctrl_c_ends_it_at_once",
    "tests/devstack/test_leash.py",
    "tests/runs/test_interrupt.py::test_ctrl_c_in_a_python_transform",
)


@pytest.mark.slow
def test_children_of_tests_hear_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *INTERRUPTING]
    done = subprocess.run(
        [*command, f"--basetemp={tmp_path / 'inner'}"], cwd=REPOSITORY, capture_output=True,
        text=True, check=False, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:]
