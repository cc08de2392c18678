"""The database of a run: DuckDB in this process, within a memory limit, spilling to disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.sql.planner import CONFIG
from etl_framework.sql.quote import literal

if TYPE_CHECKING:
    import duckdb

# At least so many, also on fewer cores: DuckDB then groups rows in more and smaller partitions,
# which fit the caches. On two cores that takes a third off a GROUP BY of ten million rows.
THREADS = 4


class Database:
    """One DuckDB for one run; every step has a session of its own in it.

    :param memory_limit: as DuckDB writes it, `400MB`; shared by all sessions.
    :param threads: as many as there are cores, and no fewer than `THREADS`, when None.
    :param spill: folder for what does not fit.
    """

    def __init__(self, memory_limit: str, threads: int | None, spill: Path, timezone: str) -> None:
        import duckdb

        spill.mkdir(parents=True, exist_ok=True)
        self._database = duckdb.connect(config=CONFIG)
        self._database.execute(f"SET memory_limit = {literal(memory_limit)}")
        self._database.execute(f"SET temp_directory = {literal(str(spill))}")
        self._database.execute("SET preserve_insertion_order = false")
        self._timezone = timezone
        self._database.execute(f"SET threads = {threads or max(os.cpu_count() or 1, THREADS)}")

    def session(self) -> duckdb.DuckDBPyConnection:
        """A connection for one step; close it after."""
        session = self._database.cursor()
        session.execute(f"SET TimeZone = {literal(self._timezone)}")
        return session

    def close(self) -> None:
        """Give back the memory."""
        self._database.close()
