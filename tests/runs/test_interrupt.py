"""Ctrl-C, kill -9, and two processes at once: nothing is published, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import psycopg2
import pytest

from tests.conftest import Folder
from tests.runs.processes import end_all, ended, start, until

pytestmark = pytest.mark.slow

PIPELINE = """
name: halves
sources:
  quick:
    type: csv
    connection: lake
    path: quick.csv
    columns: [{name: id, type: integer, primary_key: true}]
  slow:
    type: postgres
    connection: rds
    table: slow
    columns: [{name: id, type: integer, primary_key: true}]
kpis:
  both:
    sql: both.sql
    target: {connection: warehouse, table: matched}
    columns: [{name: id, type: integer}]
"""
RUN = ("run", "halves", "--date", "2024-06-25")
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"


class Gate:
    """The table `slow`, which nobody can read until the gate opens."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._watch, self._lock = psycopg2.connect(url), psycopg2.connect(url)
        self._watch.autocommit = True
        with self._watch.cursor() as cursor:
            cursor.execute("CREATE TABLE slow AS SELECT generate_series(1, 3) AS id")
        with self._lock.cursor() as cursor:
            cursor.execute("LOCK TABLE slow IN ACCESS EXCLUSIVE MODE")

    def waiting(self) -> int:
        with self._watch.cursor() as cursor:
            cursor.execute(WAITING, (self._watch.info.dbname,))
            (count,) = cursor.fetchone() or (0,)
            return int(count)

    def open(self) -> None:
        self._lock.rollback()

    def close(self) -> None:
        self._watch.close()
        self._lock.close()


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture
def gate(postgres: str) -> Iterator[Gate]:
    made = Gate(postgres)
    yield made
    made.close()


@pytest.fixture
def halves(folder: Folder) -> Folder:
    folder.write("pipelines/halves.yml", PIPELINE)
    sql = "SELECT q.id FROM quick AS q JOIN slow AS s ON q.id = s.id"
    folder.write("sql_templates/both.sql", sql)
    folder.write("lake/quick.csv", "id\n1\n2\n")
    return folder


def stuck(halves: Folder, gate: Gate) -> subprocess.Popen[str]:
    """A run in the middle: the checks of `quick` have ended, reading `slow` waits for the gate."""
    process = start(halves.root, *RUN, TEST_RDS_URL=gate.url)
    staging = halves.root / ".etl/staging/halves"
    until(lambda: gate.waiting() and list(staging.glob("*/check.quick/result.json")), process)
    return process


def goes_on(halves: Folder, gate: Gate) -> None:
    """The same command does the rest, and does not do again what was finished."""
    assert not (halves.root / ".etl/warehouse.duckdb").exists()
    gate.open()
    again = halves.etl(*RUN, env={"TEST_RDS_URL": gate.url})
    assert again.returncode == 0, again.stderr
    lines = {line.split()[1]: line.split()[0] for line in again.stderr.splitlines()[1:]}
    assert (lines["extract.quick"], lines["check.quick"]) == ("=", "=")
    assert lines["extract.slow"] == "✓"
    assert halves.query("SELECT id FROM matched ORDER BY 1") == [(1,), (2,)]


def test_ctrl_c_while_a_source_is_read(halves: Folder, gate: Gate) -> None:
    process = stuck(halves, gate)
    process.send_signal(signal.SIGINT)
    code, told = ended(process)

    assert code == 130, told
    assert "stopped. A data interval is published whole or not at all" in told
    assert "Traceback" not in told
    goes_on(halves, gate)


def test_kill_9_while_a_source_is_read(halves: Folder, gate: Gate) -> None:
    process = stuck(halves, gate)
    process.kill()
    code, told = ended(process)

    assert (code, "stopped" in told) == (-signal.SIGKILL, False)
    goes_on(halves, gate)


def test_a_second_process_is_refused(halves: Folder, gate: Gate) -> None:
    process = stuck(halves, gate)
    code, told = ended(start(halves.root, *RUN, TEST_RDS_URL=gate.url))
    other_day = start(halves.root, *RUN[:-1], "2024-06-26", TEST_RDS_URL=gate.url)
    until(lambda: gate.waiting() == 2, other_day)
    gate.open()

    assert code == 1
    assert "another process is running this interval" in told
    assert "Traceback" not in told
    assert ended(process)[0] == 0
    # DuckDB lets one process at a time into a file; the one that is refused can be run again.
    assert ended(other_day)[0] in (0, 1)


def test_ctrl_c_in_a_python_transform(folder: Folder) -> None:
    folder.write(
        "pipelines/halves.yml",
        """
        name: halves
        sources:
          quick:
            type: csv
            connection: lake
            path: quick.csv
            columns: [{name: id, type: integer}]
        transforms:
          stuck:
            python: functions:wait
            inputs: [quick]
            columns: [{name: id, type: integer}]
        """,
    )
    folder.write(
        "functions.py",
        """
        import pathlib, threading

        def wait(quick):
            if not pathlib.Path("go").exists():
                pathlib.Path("waiting").touch()
                threading.Event().wait(60)
            return quick
        """,
    )
    folder.write("lake/quick.csv", "id\n1\n")
    process = start(folder.root, *RUN)
    until((folder.root / "waiting").exists, process)
    process.send_signal(signal.SIGINT)
    code, told = ended(process)

    assert (code, "Traceback" in told) == (130, False), told
    (folder.root / "go").touch()
    again = folder.etl(*RUN)
    assert again.returncode == 0, again.stderr
    assert "= extract.quick" in again.stderr
