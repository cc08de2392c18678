"""The database of a run: DuckDB in this process, within a memory limit, spilling to disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.sql.planner import config
from etl_framework.sql.quote import literal

if TYPE_CHECKING:
    import duckdb

# The lowest number of threads, also with fewer cores. With more threads, DuckDB groups rows in more
# and smaller partitions, which fit into the CPU caches. On two cores, a GROUP BY of ten million
# rows takes a third less time.
THREADS = 4


class Database:
    """One DuckDB database for one run; every step has its own session.

    :param memory_limit: the limit for all sessions together, such as `400MB`.
    :param threads: the number of threads; None for one for every core, and at least `THREADS`.
    :param spill: the folder for data that does not fit into memory.
    :param folders: the only folders whose files SQL can reach, besides that one.
    """

    def __init__(
        self,
        memory_limit: str,
        threads: int | None,
        spill: Path,
        timezone: str,
        folders: Sequence[Path],
    ) -> None:
        import duckdb

        spill.mkdir(parents=True, exist_ok=True)
        self._database = duckdb.connect(config=config())
        self._database.execute(f"SET memory_limit = {literal(memory_limit)}")
        self._database.execute(f"SET temp_directory = {literal(str(spill))}")
        self._database.execute("SET preserve_insertion_order = false")
        self._timezone = timezone
        self._database.execute(f"SET threads = {threads or max(os.cpu_count() or 1, THREADS)}")
        open_to_sql = _outermost([*folders, spill])
        paths = [str(path) for folder in open_to_sql for path in (folder, folder.resolve())]
        listed = ", ".join(literal(path) for path in dict.fromkeys(paths))
        self._database.execute(f"SET allowed_directories = [{listed}]")
        self._database.execute("SET enable_external_access = false")

    def session(self) -> duckdb.DuckDBPyConnection:
        """Return a connection for one step; the caller closes it."""
        session = self._database.cursor()
        session.execute(f"SET TimeZone = {literal(self._timezone)}")
        return session

    def close(self) -> None:
        """Close the database and free its memory."""
        self._database.close()


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """The folders that lie in no other, for DuckDB 1.3 looks at the nearest one alone."""
    listed = list(dict.fromkeys(folders))
    return [one for one in listed if not any(other in one.parents for other in listed)]
