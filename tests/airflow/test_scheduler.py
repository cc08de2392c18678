"""A whole Airflow: scheduler, DAG processor, triggerer, web server; connections and all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from etl_framework.compiling import GROUPS
from etl_framework.devstack.airflow_server import AirflowServer
from etl_framework.devstack.stack import BUCKET, Stack
from tests.airflow.browser import browser
from tests.airflow.conftest import posts, write_stubs
from tests.conftest import REPOSITORY, Folder
from tests.runs.conftest import Music

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
SECONDS = 240
TABLES = ("kpis_genre", "kpis_hourly")


@pytest.fixture(scope="module")
def project(music: Music, running_stack: Stack) -> Iterator[Folder]:
    """The music project beside a stand-in that holds its data; two days behind."""
    with tempfile.TemporaryDirectory(prefix="etl-airflow-") as name:
        root = Path(name)
        root.chmod(0o755)
        for part in ("pipelines", "sql_templates", "environments.yml"):
            copy = shutil.copytree if (music.root / part).is_dir() else shutil.copy
            copy(music.root / part, root / part)
        folder = Folder(root)
        file = root / "pipelines/music_streaming.yml"
        start = datetime.now(UTC) - timedelta(days=2, hours=3)
        text = file.read_text().replace("2024-06-25", f"{start:%Y-%m-%d}")
        more = "notify: [{type: webhook, conn_id: hook, endpoint: /told, events: [late]}]\n"
        more += "deadline: 1s\ncatchup: true\nretry_delay: 1s\n"
        text = text.replace("start_date:", more + "start_date:")
        file.write_text(text)
        write_stubs(folder, ["music_streaming"])
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


def ask(server: AirflowServer, sql: str) -> list[tuple[Any, ...]]:
    """Rows of Airflow's metadata."""
    connection = psycopg2.connect(server.metadata)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()
    finally:
        connection.close()


def until(server: AirflowServer, sql: str, wanted: Any) -> list[tuple[Any, ...]]:
    """Rows of the metadata, once they are as wanted."""
    end = time.monotonic() + SECONDS
    while True:
        found = ask(server, sql)
        if wanted(found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.3)


def wait_for(wanted: Callable[[], Any], problem: str) -> None:
    end = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < end, problem
        time.sleep(0.3)


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


def test_scheduled_runs_a_killed_worker_and_a_backfill(
    server: AirflowServer, project: Folder, music: Music, running_stack: Stack,
    web: tuple[str, list[Any]], tmp_path: Path,
) -> None:  # fmt: skip
    import_errors = until(server, "SELECT stacktrace FROM import_error", len)
    assert "there is no pipeline 'music_streamin'" in import_errors[0][0]
    assert "did you mean 'music_streaming'?" in import_errors[0][0]
    until(server, "SELECT 1 FROM dag WHERE dag_id = 'music_streaming'", len)

    server.run("dags", "unpause", "music_streaming")
    _kill_a_task(server)
    if server.version.startswith("3.0."):  # which fails a killed task for good
        until(server, "SELECT 1 FROM task_instance WHERE state = 'failed'", len)
        server.run("tasks", "clear", "music_streaming", "--only-failed", "--yes")
    runs = "SELECT state FROM dag_run WHERE dag_id = 'music_streaming'"
    until(server, runs, succeeded(server, 2))

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
    _look(server, tmp_path)
    _trace(project, running_stack)

    first = datetime.now(UTC) - timedelta(days=10)
    days = [f"{day:%Y-%m-%d}" for day in (first, first + timedelta(days=1))]
    if server.major == 2:
        server.run("dags", "backfill", "music_streaming", "-s", days[0], "-e", days[1])
    else:
        server.run("backfill", "create", "--dag-id", "music_streaming",
                   "--from-date", days[0], "--to-date", days[1])  # fmt: skip
    until(server, runs, succeeded(server, 3))

    ledger = project.etl("show", "ledger", "--env", "aws_local", "--format", "csv").stdout
    assert ledger.count("\n") == 4, ledger
    intervals = {line.split(",")[1] for line in ledger.splitlines()[1:]}
    assert len(intervals) == 3
    assert tables(project, "--env", "aws_local") == tables(music)


def _kill_a_task(server: AirflowServer) -> None:
    """SIGKILL for a process that does a step, as when a worker is out of memory."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        running = ask(server, "SELECT pid FROM task_instance WHERE state = 'running'")
        for (pid,) in running:
            if pid:
                os.kill(pid, signal.SIGKILL)
                return
    raise AssertionError("no task was running")


def _trace(project: Folder, stack: Stack) -> None:
    """OpenLineage's events tell what was read, checked and written."""
    lines = (project.root / "lineage").read_text().splitlines()
    events = {
        event["job"]["name"].partition(".")[2]: event
        for event in map(json.loads, lines)
        if event["eventType"] == "COMPLETE"
    }
    place = f"localhost:{stack.ports['cluster']}"
    assert [(each["namespace"], each["name"]) for each in events["publish"]["outputs"]] == [
        (f"redshift://{place}", f"dev.public.{table}") for table in TABLES
    ]
    (read,) = events["extract.streams"]["inputs"]
    assert (read["namespace"], read["name"]) == (f"s3://{BUCKET}", "streaming-data/*.csv*")
    (read,) = events["extract.users"]["inputs"]
    assert read["name"] == "rds.public.users"
    assert {"name": "username", "type": "varchar(255)"} in [
        {"name": found["name"], "type": found["type"]}
        for found in read["facets"]["schema"]["fields"]
    ]
    (written,) = events["extract.users"]["outputs"]
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 5000
    checked = events["check.tracks"]["inputs"][0]
    assertions = checked["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {"primary_key track_id": True}.items() <= {
        found["assertion"]: found["success"] for found in assertions
    }.items()
    (written,) = events["kpi.kpis_genre"]["outputs"]
    made = written["facets"]["columnLineage"]["fields"]["listen_count"]["inputFields"]
    assert [(each["name"], each["field"]) for each in made] == [
        ("music_streaming.plays", "listens")
    ]
    assert "SUM(" in events["kpi.kpis_genre"]["job"]["facets"]["sql"]["query"]


def _look(server: AirflowServer, folder: Path) -> None:
    """Keep pictures of the grid and of the graph, where there is a browser."""
    if server.major == 2:  # whose pages want a login
        return
    with browser(folder) as page:
        if page is None:
            return
        address = f"{server.url}/dags/music_streaming"
        page.open(address)
        page.wait_for("document.body.innerText.includes('publish')")
        groups = json.dumps(json.dumps(list(GROUPS)))
        page.run(f"localStorage.setItem('music_streaming/open-groups', {groups})")
        page.open(address)
        page.wait_for("document.body.innerText.includes('extract.streams')")
        page.picture(REPOSITORY / ".ci/pictures/airflow-grid.png")
        page.run("document.querySelector('button[aria-label^=\"Show Graph\"]').click()")
        page.wait_for("document.querySelectorAll('.react-flow__node').length >= 12")
        page.picture(REPOSITORY / ".ci/pictures/airflow-graph.png")
