"""What is to be seen of a whole Airflow: its metadata, logs, pages, and events of OpenLineage."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2

from etl_framework.airflow.dag_config import GROUPS
from etl_framework.devstack.airflow_server import AirflowServer
from etl_framework.devstack.stack import BUCKET, Stack
from tests.airflow.browser import browser
from tests.conftest import REPOSITORY, Folder

SECONDS = 900  # until one gives up; a machine may be busy
TABLES = ("kpis_genre", "kpis_hourly")


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


def graph(server: AirflowServer) -> set[tuple[str, str]]:
    """The edges of the DAG, as Airflow has stored and shows them."""
    ((stored,),) = ask(server, "SELECT data FROM serialized_dag WHERE dag_id = 'music_streaming'")
    tasks = [task["__var"] for task in stored["dag"]["tasks"]]
    return {
        (task["task_id"], down) for task in tasks for down in task.get("downstream_task_ids", [])
    }


def planned(project: Folder) -> set[tuple[str, str]]:
    """The edges of what `etl plan` prints."""
    plan = json.loads(project.etl("plan", "music_streaming", "--format", "json").stdout)
    return {(need, step["step"]) for step in plan for need in step["needs"]}


def read_logs(server: AirflowServer, project: Folder, stack: Stack) -> None:
    """What people see of a task: its SQL before it runs, and what it says."""
    ((shown,), *_) = ask(
        server,
        "SELECT rendered_fields FROM rendered_task_instance_fields"
        " WHERE dag_id = 'music_streaming' AND task_id = 'kpi.kpis_genre'",
    )
    assert "SUM(" in (shown if isinstance(shown, dict) else json.loads(shown))["sql"]
    logs = [file.read_text() for file in (project.root / ".etl/airflow/logs").rglob("*.log")]
    (published, *_) = [log for log in logs if "publish: done in" in log]
    assert "publish of music_streaming in prod, data interval [" in published
    (checked, *_) = [log for log in logs if "check.streams: done in" in log]
    assert "check unique user_id track_id listen_time of streams: warning, " in checked
    for sql in ("SQL: COPY ", "SQL: LOCK ", "SQL: INSERT INTO ", "SQL: COMMIT"):
        assert sql in published
    assert not [log for log in logs if stack.variables["ETL_DEV_REDSHIFT_PASSWORD"] in log]


def trace(project: Folder, stack: Stack) -> None:
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


def look(server: AirflowServer, folder: Path) -> None:
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
