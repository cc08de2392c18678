"""Ends servers once the process that started them is gone, however it went: even by SIGKILL.

A process of its own, `python -m etl_framework.devstack.leash FILE`, reads the servers' numbers
from a pipe; when the pipe ends, it stops them and their workers, and then the PostgreSQL whose
number is in FILE.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SECONDS = 20


class Leash:
    """What holds servers, each the leader of a session.

    :param database: the file with the number of the PostgreSQL that goes last.
    """

    def __init__(self, database: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "etl_framework.devstack.leash", str(database)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def hold(self, leader: int) -> None:
        """End this one, too."""
        assert self._process.stdin
        print(leader, file=self._process.stdin, flush=True)

    def let_go(self) -> None:
        """End them all now; those that this process started want to be waited for."""
        assert self._process.stdin
        self._process.stdin.close()

    def wait(self) -> None:
        """Until all have ended."""
        self._process.wait()


def end(leaders: Iterable[int], seconds: float = SECONDS) -> None:
    """Ask servers to end, and after a while kill what is left of their sessions."""
    leaders = list(leaders)
    for leader in leaders:
        _signal(leader, signal.SIGTERM)
    until = time.monotonic() + seconds
    while any(_signal(leader, 0) for leader in leaders) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in _members(set(leaders)):
        _signal(pid, signal.SIGKILL)


def _members(leaders: set[int]) -> Iterator[int]:
    for found in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getsid(int(found.name)) in leaders:
                yield int(found.name)


def _signal(pid: int, number: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Hold what is told, until the one who tells is gone."""
    end([int(line) for line in sys.stdin])
    with suppress(OSError, ValueError, IndexError):
        postmaster = int(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()[0])
        _signal(postmaster, signal.SIGINT)


if __name__ == "__main__":
    main()
