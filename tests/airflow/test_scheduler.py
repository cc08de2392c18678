"""A whole Airflow: scheduler, DAG processor, triggerer, web server; connections and all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl_framework.devstack.airflow_server import AirflowServer
from etl_framework.devstack.stack import Stack
from tests.airflow.conftest import posts, write_stubs
from tests.airflow.looking import (
    SECONDS,
    TABLES,
    ask,
    graph,
    look,
    planned,
    read_logs,
    trace,
    until,
    wait_for,
)
from tests.conftest import REPOSITORY, Folder
from tests.devstack.listening import addresses, beyond_the_loopback
from tests.runs.conftest import Music

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ENDED = {"success", "failed"}
# Runs once the genres were published, and has no schedule of its own.
FOLLOWER = """
name: follower
after: [music_streaming.kpis_genre]
sources:
  users:
    type: postgres
    connection: music_rds
    table: users
    columns:
      - {name: user_id, type: integer, primary_key: true}
kpis:
  follower:
    sql: follower.sql
    target: {connection: warehouse, table: follower}
    columns:
      - {name: users, type: bigint}
"""


def _last_tick() -> datetime:
    """The last tick of a daily schedule, whose next one is hours away, whatever the time is."""
    now = datetime.now(UTC)
    hour = (now.hour + 12) % 24 or 1
    tick = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return tick if tick <= now else tick - timedelta(days=1)


@pytest.fixture(scope="module")
def project(music: Music, running_stack: Stack) -> Iterator[Folder]:
    """The music project beside a stand-in that holds its data; a day behind."""
    with tempfile.TemporaryDirectory(prefix="etl-airflow-") as name:
        root = Path(name)
        root.chmod(0o755)
        for part in ("pipelines", "sql_templates", "environments.yml"):
            copy = shutil.copytree if (music.root / part).is_dir() else shutil.copy
            copy(music.root / part, root / part)
        folder = Folder(root)
        file = root / "pipelines/music_streaming.yml"
        start = _last_tick() - timedelta(days=1)
        text = file.read_text().replace("2024-06-25", f"{start:%Y-%m-%d}")
        text = text.replace('"0 3 * * *"', f'"0 {start.hour} * * *"')
        more = "notify: [{type: webhook, conn_id: hook, endpoint: /told, events: [late]}]\n"
        more += "deadline: 1s\ncatchup: true\nretry_delay: 1s\n"
        text = text.replace("start_date:", more + "start_date:")
        file.write_text(text)
        folder.write("pipelines/follower.yml", FOLLOWER)
        folder.write("sql_templates/follower.sql", "SELECT COUNT(*) AS users FROM users")
        folder.write("pipelines/wrong.yml", FOLLOWER.replace("follower", "wrong").replace(
            "table: users", "tabel: users"))  # fmt: skip
        write_stubs(folder, ["music_streaming", "follower", "wrong"])
        folder.write("dags/broken.py", (root / "dags/music_streaming.py").read_text().replace(
            "music_streaming", "music_streamin"))  # fmt: skip
        running_stack.empty()
        running_stack.seed(music.root / "sample_data")
        yield folder


@pytest.fixture(scope="module")
def web() -> Iterator[tuple[str, list[Any]]]:
    with posts() as found:
        yield found


@pytest.fixture(scope="module")
def server(
    project: Folder, running_stack: Stack, web: tuple[str, list[Any]]
) -> Iterator[AirflowServer]:
    lineage = {"type": "file", "log_file_path": str(project.root / "lineage"), "append": True}
    more = {
        "PYTHONPATH": f"{REPOSITORY}:{project.root}",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(lineage),
        "AIRFLOW_CONN_HOOK": json.dumps({"conn_type": "http", "host": web[0]}),
    }
    found = AirflowServer(
        project.root, project.root / ".etl/airflow", running_stack.variables, more
    )
    found.start()
    yield found
    found.stop()


def succeeded(server: AirflowServer, count: int) -> Any:
    """Whether so many runs have succeeded; one that failed shows its tasks."""
    tasks = "SELECT task_id, state, try_number, max_tries FROM task_instance WHERE state = 'failed'"

    def wanted(rows: list[tuple[Any, ...]]) -> bool:
        assert not [row for row in rows if row[0] == "failed"], ask(server, tasks)
        return [row[0] for row in rows] == ["success"] * count

    return wanted


def tables(folder: Folder, *env: str) -> dict[str, str]:
    how = ("--limit", "0", "--format", "csv", *env)
    return {table: folder.etl("show", table, *how).stdout for table in TABLES}


def test_nothing_listens_beyond_the_loopback(server: AirflowServer) -> None:
    pids = [process.pid for process in server._processes.values()]

    assert [address for pid in pids for address in addresses(pid)]
    assert [address for pid in pids for address in beyond_the_loopback(pid)] == []


def test_scheduled_runs_a_killed_worker_and_a_backfill(
    server: AirflowServer, project: Folder, music: Music, running_stack: Stack,
    web: tuple[str, list[Any]], tmp_path: Path,
) -> None:  # fmt: skip
    errors = "SELECT stacktrace FROM import_error ORDER BY filename"
    ((broken,), (wrong,)) = until(server, errors, lambda rows: len(rows) == 2)
    assert "there is no pipeline 'music_streamin'" in broken
    assert "did you mean 'music_streaming'?" in broken
    assert "pipelines/wrong.yml:7:5: E202 unknown key 'tabel'\n  hint: did you mean" in wrong
    until(server, "SELECT dag_id FROM dag ORDER BY 1", [("follower",), ("music_streaming",)].__eq__)
    assert graph(server) == planned(project)

    server.run("dags", "unpause", "music_streaming")
    _kill_a_task(server)
    if server.version.startswith("3.0."):  # which fails a killed task for good
        until(server, "SELECT 1 FROM task_instance WHERE state = 'failed'", len)
        server.run("tasks", "clear", "music_streaming", "--only-failed", "--yes")
    runs = "SELECT state FROM dag_run WHERE dag_id = 'music_streaming'"
    until(server, runs, succeeded(server, 1))

    if not server.version.startswith("3.0."):  # which knows neither deadlines nor SLAs
        wait_for(lambda: web[1], "nobody was told that a run is late")
        path, told = web[1][0]
        assert (path, told["event"], told["pipeline"]) == ("/told", "late", "music_streaming")
        assert told["text"].startswith("music_streaming is late: ")

    tries = ask(server, "SELECT MAX(try_number) FROM task_instance")
    assert tries == [(2,)], "the task whose worker was killed was tried again"
    (project.root / ".etl/dev").mkdir(parents=True)
    lines = [f"{name}={value}\n" for name, value in running_stack.variables.items()]
    (project.root / ".etl/dev/env").write_text("".join(lines))
    assert tables(project, "--env", "aws_local") == tables(music)
    look(server, tmp_path)
    trace(project, running_stack)
    read_logs(server, project, running_stack)

    server.run("dags", "unpause", "follower")
    server.run("dags", "trigger", "follower")
    first = datetime.now(UTC) - timedelta(days=10)
    days = [f"{day:%Y-%m-%d}" for day in (first, first + timedelta(days=1))]
    if server.major == 2:
        server.run("dags", "backfill", "music_streaming", "-s", days[0], "-e", days[1])
    else:
        server.run("backfill", "create", "--dag-id", "music_streaming",
                   "--from-date", days[0], "--to-date", days[1])  # fmt: skip
    until(server, runs, succeeded(server, 2))
    _follow(server)

    ledger = project.etl("show", "ledger", "--env", "aws_local", "--format", "csv").stdout
    ours = [line for line in ledger.splitlines() if line.startswith("music_streaming,")]
    assert len(ours) == len({line.split(",")[1] for line in ours}) == 2, ledger
    assert tables(project, "--env", "aws_local") == tables(music)


def _follow(server: AirflowServer) -> None:
    """One pipeline ran by hand, which has no data interval, and after another one."""
    runs = "SELECT run_type, state, data_interval_start FROM dag_run WHERE dag_id = 'follower'"
    found = until(server, runs, lambda rows: len(rows) > 1 and {row[1] for row in rows} <= ENDED)
    assert {state for _, state, _ in found} == {"success"}, found
    assert {kind.replace("dataset", "asset") for kind, _, _ in found} == {
        "manual", "asset_triggered",
    }  # fmt: skip
    if server.major > 2:
        assert [start for kind, _, start in found if kind == "manual"] == [None]


def _kill_a_task(server: AirflowServer) -> None:
    """SIGKILL for a process that does a step, as when a worker is out of memory."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        running = ask(server, "SELECT pid FROM task_instance WHERE state = 'running'")
        for (pid,) in running:
            if pid:
                os.kill(pid, signal.SIGKILL)
                return
        time.sleep(0.1)  # the server has the processor to itself meanwhile
    raise AssertionError("no task was running")
