"""The task that publishes the report, and the links of tasks to the page of their run."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl_framework.devstack.stack import Stack
from tests.airflow.conftest import Airflow, posts, write_stubs
from tests.conftest import REPOSITORY, Folder, bucket
from tests.report.test_publish import ENVIRONMENTS

pytestmark = pytest.mark.slow
URL = "https://reports.example/music"
PARSE = """
import json, runpy, sys
import airflow
dag = runpy.run_path(sys.argv[1])["orders"]
try:
    from airflow.serialization.serialized_objects import DagSerialization as serializer
except ImportError:
    from airflow.serialization.serialized_objects import SerializedDAG as serializer
stored = serializer.from_dict(json.loads(json.dumps(serializer.to_dict(dag))))
report = stored.get_task("report")
print(json.dumps({
    "up": sorted(report.upstream_task_ids), "teardown": report.is_teardown,
    "fails": report.on_failure_fail_dagrun,
    "rule": str(getattr(report.trigger_rule, "value", report.trigger_rule)),
    "class": type(dag.get_task("report")).__name__,
    "limit": dag.get_task("report").execution_timeout.total_seconds(),
    "major": airflow.__version__[0],
    "late": [task.task_id for task in dag.tasks if getattr(task, "sla", None)],
    "links": {task.task_id: sorted(task.extra_links) for task in stored.tasks},
}))
"""


# A task that fails before anything could be read, and its callback.
NOTIFY = """
import json, sys
from datetime import datetime, timezone
from types import SimpleNamespace
from etl_framework.airflow import ExtractOperator
from etl_framework.airflow.notify import notify
root, url, channels = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
operator = ExtractOperator(task_id="extract.orders", pipeline="orders", project=root,
                           report_url=url)
pushed = {}
ti = SimpleNamespace(dag_id="orders", task_id="extract.orders",
                     xcom_push=lambda key, value: pushed.update({key: value}))
days = {"data_interval_start": datetime(2024, 6, 25, tzinfo=timezone.utc),
        "data_interval_end": datetime(2024, 6, 26, tzinfo=timezone.utc)}
context = {"ti": ti, "task": operator, **days,
           "dag_run": SimpleNamespace(dag_id="orders", run_id="by_hand", conf={})}
try:
    operator.execute(context)
except Exception as error:
    context["exception"] = error
notify(context, event="failure", channels=channels)
print(json.dumps([operator.link, [link.name for link in operator.operator_extra_links]]))
"""


@pytest.mark.parametrize("url", [URL, f"{URL}/", ""])
def test_a_message_about_a_failure_links_to_the_run(
    airflow: Airflow, orders: Folder, url: str
) -> None:
    """That of a task that was killed does, too: its callback runs elsewhere."""
    (orders.root / "lake/orders/1.csv").unlink()
    channels = [{"type": "webhook", "conn_id": "hook", "endpoint": "/told", "events": ["failure"]}]
    with posts() as (address, posted):
        env = {"AIRFLOW_CONN_HOOK": json.dumps({"conn_type": "http", "host": address})}
        arguments = str(orders.root), url, json.dumps(channels)
        link, names = airflow.script(NOTIFY, *arguments, env=env)
    ((_, told),) = posted

    if not url:
        assert (link, names) == ("", []) and "report" not in told and "http" not in told["text"]
        return
    assert names == ["Run report"]
    assert told["report"] == link and told["text"].endswith(f"\n{link}")
    assert orders.etl("report", "--to", "2024-06-25").returncode == 0
    page = orders.root / "report" / link.removeprefix(f"{URL}/")
    assert "no file matches" in page.read_text()


@pytest.fixture
def project(orders: Folder, stack: Stack) -> Folder:
    """Orders whose report goes into a bucket."""
    write_stubs(orders, ["orders"])
    place = f"report_url: {URL}/\n        report_connection"
    orders.write("environments.yml", ENVIRONMENTS.replace("report_connection", place))
    return orders


def test_the_task_stands_behind_all_others(airflow: Airflow, project: Folder) -> None:
    file = project.root / "pipelines/orders.yml"
    file.write_text(f"deadline: 2h\n{file.read_text()}")
    found = airflow.script(PARSE, str(project.root / "dags/orders.py"))

    links = found.pop("links")
    late = ["publish"] if found.pop("major") == "2" else []  # an SLA of tasks; then of the run
    assert found.pop("late") == late
    assert found == {
        "up": ["publish"], "teardown": True, "fails": False, "rule": "all_done_setup_success",
        "class": "ReportOperator", "limit": 900,
    }  # fmt: skip
    assert links.pop("report") == []
    assert set(map(tuple, links.values())) == {("Run report",)}


class Alone:
    """Airflow without a scheduler, whose command `dags test` runs a DAG and decides its state."""

    def __init__(self, project: Folder, home: Path) -> None:
        self._database = home / "airflow.db"
        self._env = {
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(project.root / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._database}",
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONWARNINGS": "ignore",
        }
        self._command("db", "migrate")
        self._command("dags", "reserialize")

    def _command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments], env=self._env, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        return done.stdout + done.stderr

    def run(self, day: str) -> tuple[str, dict[str, str], dict[str, str]]:
        """Run the data interval; the state of the run, of its tasks, and the tasks' links."""
        said = self._command("dags", "test", "orders", day)
        with closing(sqlite3.connect(self._database)) as database:
            runs = database.execute("SELECT run_id, state FROM dag_run ORDER BY id").fetchall()
            assert runs, said[-3000:]
            ((id_, state),) = runs[-1:]
            states = dict(database.execute(
                "SELECT task_id, state FROM task_instance WHERE run_id = ?", (id_,)))  # fmt: skip
            links = dict(database.execute(
                "SELECT task_id, value FROM xcom WHERE run_id = ? AND key IN (?, ?)",
                (id_, "_link_RunReport", "etl_run_report")))  # fmt: skip
        return state, states, {name: json.loads(link) for name, link in links.items()}


def test_runs_and_their_report(project: Folder, tmp_path: Path) -> None:
    """A task that fails fails the run, and the report tells; a report that fails does not."""
    file = project.root / "pipelines/orders.yml"
    dated = file.read_text().replace("orders/*.csv", "orders/{{ interval.date }}.csv")
    file.write_text(f"retries: 0\n{dated}")
    rows = (project.root / "lake/orders/1.csv").read_text()
    # By hand, the data interval before the moment is run; the report shows the last thirty.
    days = [str(datetime.now(UTC).date() - timedelta(days=back)) for back in (4, 3, 2, 1)]
    for day in (days[0], days[2]):
        project.write(f"lake/orders/{day}.csv", rows)
    home = tmp_path / "home"
    home.mkdir()
    alone, place = Alone(project, home), bucket() / "team/report"
    steps = {step.name for step in project.plan("orders").steps}

    state, states, links = alone.run(days[1])
    assert (state, states) == ("success", dict.fromkeys({*steps, "report"}, "success"))
    assert links.keys() == steps and len(set(links.values())) == 1
    page = place.read(links["publish"].removeprefix(f"{URL}/"))
    assert page and b"published" in page

    state, states, links = alone.run(days[2])
    assert (state, states["extract.orders"], states["publish"], states["report"]) == (
        "failed", "failed", "upstream_failed", "success",
    )  # fmt: skip
    page = place.read(links["extract.orders"].removeprefix(f"{URL}/"))
    assert page and b"no file matches" in page

    place.delete([stored.name for stored in place.listed()])
    place.write("theirs.csv", b"1,2")
    state, states, _ = alone.run(days[3])
    assert (state, states) == (
        "success", {**dict.fromkeys(steps, "success"), "report": "failed"},
    )  # fmt: skip
