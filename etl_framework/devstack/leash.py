"""Ends servers when the process that started them has ended, even if it was killed by SIGKILL.

A separate process, `python -m etl_framework.devstack.leash FILE`, reads the process numbers of the
servers from a pipe. When the pipe is closed, it stops the servers and their workers, and then the
PostgreSQL whose process number is in FILE.
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
    """Ends servers with this process; each server is the leader of a session.

    :param database: the file with the process number of the PostgreSQL, which is stopped last.
    """

    def __init__(self, database: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "etl_framework.devstack.leash", str(database)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def hold(self, leader: int) -> None:
        """Add a server, by its process number."""
        assert self._process.stdin
        print(leader, file=self._process.stdin, flush=True)

    def let_go(self) -> None:
        """End all servers now; the caller has to wait for those that it started."""
        assert self._process.stdin
        self._process.stdin.close()

    def wait(self) -> None:
        """Wait until all servers have ended."""
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
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getsid(int(process.name)) in leaders:
                yield int(process.name)


def _signal(pid: int, number: int) -> bool:
    """Send a signal; return whether there is such a process."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    """Read process numbers until the pipe is closed, then end those processes."""
    end([int(line) for line in sys.stdin])
    with suppress(OSError, ValueError, IndexError):
        postmaster = int(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()[0])
        _signal(postmaster, signal.SIGINT)


if __name__ == "__main__":
    main()
