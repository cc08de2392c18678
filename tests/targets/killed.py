"""A process that forks a child for each order on stdin; the child publishes and is killed.

The order `before 3` means: kill -9 just before the third statement. The answer is `killed`, or
`done 9` when the child came to its end after nine statements.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pyarrow.csv
import pyarrow.parquet

from tests.targets.places import day, entry

IMPORTED_ONCE = (duckdb, psycopg2, pyarrow.csv, pyarrow.parquet)


def publish(orders: Path, when: str, number: int) -> int:
    """Publish in this process; returns the statements that it took."""
    place, loads = pickle.loads(orders.read_bytes())
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
    warehouse.publish(loads, entry(day(2)))
    warehouse.close()
    return count


def main() -> None:
    for line in sys.stdin:
        when, number = line.split()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            count = publish(Path(sys.argv[1]), when, int(number))
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
