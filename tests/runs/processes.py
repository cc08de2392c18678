"""`etl` as a real process that a test watches and sends signals to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import REPOSITORY

_started: list[subprocess.Popen[str]] = []


def start(root: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    """The command in a process of its own, in the project's folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "etl_framework", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **env},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _started.append(process)
    return process


def end_all() -> None:
    """Kill what a test has started and not waited for: it failed in between."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for what must become true while the process runs."""
    end = time.monotonic() + 30
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"it never happened:\n{out}\n{err}")


def ended(process: subprocess.Popen[str], seconds: float = 10) -> tuple[int, str]:
    """Exit code, and all that it wrote."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out + err
