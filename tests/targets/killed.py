"""A process that forks a child for each order on stdin; the child works on a place and is killed.

The order `before 3` means: kill -9 just before the third statement. The answer is `killed`, or
`done 9` when the child came to its end after nine statements.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pyarrow.csv
import pyarrow.parquet

from tests.conftest import REPOSITORY
from tests.targets.places import Place

IMPORTED_ONCE = (duckdb, psycopg2, pyarrow.csv, pyarrow.parquet)
Order = Callable[[str], str]


def ordering(place: Place) -> Iterator[Order]:
    """Sends an order to such a process; returns how it ended.

    `orders.pickle` in the folder of the place has the place, and the work on an open warehouse.
    """
    file = place.folder / "orders.pickle"
    command = [sys.executable, "-m", "tests.targets.killed", str(file)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout

        def send(text: str) -> str:
            print(text, file=process.stdin, flush=True)
            return process.stdout.readline().strip()  # type: ignore[union-attr]

        yield send
        process.stdin.close()


def do(orders: Path, when: str, number: int) -> int:
    """Do the work in this process; returns the statements that it took."""
    place, work = pickle.loads(orders.read_bytes())
    warehouse = place.open()
    # What takes each statement: the warehouse itself, or the session that it has.
    takes, name = getattr(warehouse, "_session", warehouse), "execute"
    if takes is not warehouse:
        name = "run"
    run, count = getattr(takes, name), 0

    def killed(sql: str, values: Sequence[Any] = ()) -> Any:
        nonlocal count
        count += 1
        if (when, count) == ("before", number):
            os.kill(os.getpid(), signal.SIGKILL)
        found = run(sql, values)
        if (when, count) == ("after", number):
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(takes, name, killed)
    work(warehouse)
    warehouse.close()
    return count


def main() -> None:
    for line in sys.stdin:
        when, number = line.split()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            count = do(Path(sys.argv[1]), when, int(number))
            os.write(writer, str(count).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            count = pipe.read()
        _, status = os.waitpid(child, 0)
        dead = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if dead else f"done {count}", flush=True)


if __name__ == "__main__":
    main()
