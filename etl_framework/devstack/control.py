"""Start the stand-in in a process of its own, and stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from etl_framework.devstack.serve import ENV, PID
from etl_framework.errors import StepError

SECONDS = 60


def up(folder: Path, seed: Path | None) -> bool:
    """Start the stand-in unless it runs already; return whether it was started.

    :param folder: for its data and its log.
    :raises StepError: the stand-in does not start.
    """
    if running(folder):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ENV).unlink(missing_ok=True)
    log = folder / "log"
    command = [sys.executable, "-m", "etl_framework.devstack.serve", str(folder)]
    command += [str(seed)] if seed else []
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    end = time.monotonic() + SECONDS
    while not (folder / ENV).is_file():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            last = (log.read_text(encoding="utf-8").strip().splitlines() or ["no message"])[-1]
            raise StepError(f"the stand-in does not start: {last}", hint=f"see {log}")
        time.sleep(0.05)
    return True


def down(folder: Path) -> bool:
    """Stop the stand-in; return whether it was running."""
    pid = running(folder)
    if not pid:
        return False
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + SECONDS
    while _alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return True


def running(folder: Path) -> int | None:
    """Return the process number of the stand-in, if it runs."""
    try:
        pid = int((folder / PID).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return pid if _alive(pid) else None


def _alive(pid: int) -> bool:
    """Return whether this is the stand-in, and not another process that got its number."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return b"devstack" in command
