"""Servers end with the process that started them, also when that is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Starts a server whose worker has left its process group and is deaf to SIGTERM; holds it.
STARTS = """
import subprocess, sys, time
from pathlib import Path
from etl_framework.devstack.leash import Leash
worker = "import os, signal, sys, time; os.setpgid(0, 0); signal.signal(15, signal.SIG_IGN);" \\
    "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
server = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {worker!r}," \\
    " sys.argv[1]]); time.sleep(600)"
leash = Leash(Path(sys.argv[1]) / "postmaster.pid")
found = subprocess.Popen([sys.executable, "-c", server, sys.argv[1] + "/worker"],
                         start_new_session=True)
leash.hold(found.pid)
while not Path(sys.argv[1] + "/worker").is_file() or not Path(sys.argv[1] + "/worker").read_text():
    time.sleep(0.02)
print(found.pid, flush=True)
time.sleep(600)
"""
SECONDS = 60


@contextmanager
def running(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of Python, killed at the end."""
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def gone(pid: int) -> bool:
    """Whether a process has ended, if need be within a while."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_killed_process_leaves_no_server_behind(tmp_path: Path) -> None:
    with running("import time; time.sleep(600)") as database:
        (tmp_path / "postmaster.pid").write_text(f"{database.pid}\n/data\n")
        with running(STARTS, str(tmp_path)) as starter:
            assert starter.stdout
            server, worker = int(starter.stdout.readline()), int((tmp_path / "worker").read_text())

        assert gone(server)
        assert gone(worker)
        assert database.wait(SECONDS) == -signal.SIGINT
