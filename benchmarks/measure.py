"""Measure a command: `python benchmarks/measure.py COMMAND...` prints its cost as JSON.

A process of its own, and a small one: Linux counts into a child's peak the memory that its parent
had when it started the child.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a command took: wall seconds, and bytes of its largest process at its largest.

    :param cpu: seconds of all its processes that it waited for.
    """

    seconds: float
    peak_bytes: int
    cpu: float = 0.0


def _environment() -> dict[str, str]:
    """Ours, but with Python's cache of compiled modules: installed programs have it."""
    return {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}


def measure(
    command: Sequence[str | Path], *, cwd: Path, log: Path, env: Mapping[str, str] | None = None
) -> Cost:
    """Run the command; what it prints goes to the log.

    :raises SystemExit: the command failed; the message is the end of the log.
    """
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            [sys.executable, __file__, *map(str, command)],
            cwd=cwd,
            env=_environment() | dict(env or {}),
            stdout=subprocess.PIPE,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{log} ends with\n{log.read_text(encoding='utf-8')[-2000:]}")
    return Cost(**json.loads(done.stdout))


def main() -> None:
    """Run the command with all its output on stderr, then print its cost and exit as it did."""
    start = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    cpu = round(usage.ru_utime + usage.ru_stime, 2)
    print(json.dumps(asdict(Cost(round(seconds, 3), usage.ru_maxrss * unit, cpu))))
    raise SystemExit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
