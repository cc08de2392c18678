"""What happens while a DAG file is parsed: nothing is opened, looked up or imported for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.airflow.conftest import Airflow, write_stubs
from tests.conftest import REPOSITORY, Folder

pytestmark = pytest.mark.slow
# Parses a DAG file with every socket refused; says what was imported and what the DAG is.
PARSE = """
import json, re, runpy, socket, sys
import airflow
try:
    import airflow.sdk
except ImportError:
    import airflow.models.dag
import dagfactory
before = set(sys.modules)
def refused(*arguments, **named):
    raise AssertionError("a socket was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused
def schedule(table):
    table = getattr(table, "timetable", table)
    return getattr(table, "expression", "") or table._expression

found = runpy.run_path(sys.argv[1])[sys.argv[2]]
heavy = {"pandas", "duckdb", "pyarrow", "sqlglot", "boto3", "numpy", "psycopg2"}
print(json.dumps({
    "imported": sorted(heavy & (set(sys.modules) - before)),
    "edges": sorted([up, task.task_id] for task in found.tasks for up in task.upstream_task_ids),
    "groups": {task.task_id: task.task_group.group_id for task in found.tasks},
    "classes": {task.task_id: type(task).__name__ for task in found.tasks},
    "sql": {task.task_id: task.sql for task in found.tasks},
    "colors": {type(task).__name__: task.ui_color for task in found.tasks},
    "backoff": [bool(task.retry_exponential_backoff) for task in found.tasks],
    "waits": [[getattr(task, "wait_seconds", 0), getattr(task, "deferrable", None)]
              for task in found.tasks],
    "doc": found.doc_md,
    "docs": {task.task_id: task.doc_md for task in found.tasks},
    "tags": sorted(found.tags),
    "catchup": found.catchup,
    "max_active_runs": found.max_active_runs,
    "retries": found.tasks[0].retries,
    "delay": found.tasks[0].retry_delay.total_seconds(),
    "schedule": schedule(found.timetable),
    "start": str(found.start_date.timestamp()),
    "callbacks": {task.task_id: re.sub(" at 0x\\w+", "", str([task.on_failure_callback,
                                                             task.on_success_callback]))
                  for task in found.tasks},
    "pools": [task.pool for task in found.tasks],
    "notify": [task.notify for task in found.tasks],
    "group_tips": {name: group.tooltip for name, group in found.task_group_dict.items()},
    "outlets": [asset.uri for task in found.tasks for asset in task.outlets],
    "file": found.fileloc,
    "params": {
        name: [param.schema, param.value if isinstance(param.value, (str, int)) else "none",
               param.description]
        for name, param in ((n, found.params.get_param(n)) for n in found.params)
    },
}))
"""


def parsed(airflow: Airflow, folder: Folder, name: str = "orders") -> dict[str, object]:
    return airflow.script(PARSE, str(folder.root / f"dags/{name}.py"), name)


@pytest.fixture(scope="module")
def music(airflow: Airflow, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The DAG of the project's own pipeline."""
    root = tmp_path_factory.mktemp("music")
    for name in ("pipelines", "sql_templates", "dags", "environments.yml"):
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, root / name)
    return {**parsed(airflow, Folder(root), "music_streaming"), "root": root}


def test_nothing_heavy_is_imported_and_no_socket_opened(music: dict[str, object]) -> None:
    assert music["imported"] == []


def test_the_graph_is_that_of_the_plan(music: dict[str, object]) -> None:
    plan = Folder(Path(str(music["root"]))).plan("music_streaming")

    assert music["edges"] == sorted([need, s.name] for s in plan.steps for need in s.needs)
    assert music["sql"] == {step.name: step.sql for step in plan.steps}
    assert music["classes"] == {s.name: f"{s.kind.capitalize()}Operator" for s in plan.steps}
    assert len(set(music["colors"].values())) == 5, "a colour for each kind"  # type: ignore[attr-defined]
    assert all(music["docs"].values())  # type: ignore[attr-defined]
    assert music["groups"]["check.streams"] == "sources"  # type: ignore[index]
    assert music["outlets"] == ["x-etl://warehouse/kpis_genre", "x-etl://warehouse/kpis_hourly"]


def test_what_the_file_says_is_what_airflow_does(airflow: Airflow, with_dags: Folder) -> None:
    text = (with_dags.root / "pipelines/orders.yml").read_text()
    with_dags.write(
        "pipelines/orders.yml",
        "description: What was ordered.\ncatchup: true\nmax_active_runs: 3\nretries: 5\n"
        "retry_delay: 2m\ntags: [shop]\nowner: sales\npool: small\n"
        + text.replace("    max_rejected", "    wait: 6h\n    deferrable: false\n    max_rejected"),
    )

    found = parsed(airflow, with_dags)
    assert found["pools"] == ["small"] * 5
    assert found["backoff"] == [True] * 5
    assert found["waits"] == [[21600, False], *[[0, None]] * 4]

    assert found["doc"].startswith("What was ordered.")  # type: ignore[attr-defined]
    assert "dagfactory" not in str(found["doc"])
    assert "Declared at `pipelines/orders.yml:" in found["docs"]["extract.orders"]  # type: ignore[index]
    chosen = ("catchup", "max_active_runs", "retries", "delay", "tags", "schedule")
    assert [found[name] for name in chosen] == [
        True, 3, 5, 120.0, ["etl", "shop"], "0 0 * * *",
    ]  # fmt: skip
    assert found["file"] == str(with_dags.root / "dags/orders.py")


def test_params_are_the_form_of_the_trigger(airflow: Airflow, with_dags: Folder) -> None:
    text = (with_dags.root / "pipelines/orders.yml").read_text().replace("@daily", "none")
    with_dags.write(
        "pipelines/orders.yml",
        "params:\n  least: 5\n  country: {choices: [de, at], default: at}\n"
        "  since: {type: date, description: From when}\n  loud: true\n" + text,
    )
    file = with_dags.root / "environments.yml"
    given = "    params: {least: 7}\n    connections:"
    file.write_text(file.read_text().replace("    connections:", given, 1))

    expected = {
        "least": [{"type": "integer"}, 7, ""],
        "country": [{"type": "string", "enum": ["de", "at"]}, "at", ""],
        "since": [{"type": "string", "format": "date"}, "none", "From when"],
        "loud": [{"type": "boolean"}, True, ""],
    }
    code = PARSE.replace("schedule(found.timetable)", "''")
    path = str(with_dags.root / "dags/orders.py")
    env = {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": "orders", "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "x"}
    for given_env in ({}, env):
        assert airflow.script(code, path, "orders", env=given_env)["params"] == expected


def test_a_change_is_seen_and_what_is_the_same_is_not_compiled_again(
    airflow: Airflow, with_dags: Folder
) -> None:
    kept = with_dags.root / ".etl/compiled/orders.default.json"
    parsed(airflow, with_dags)
    first = kept.stat().st_mtime_ns
    parsed(airflow, with_dags)
    assert kept.stat().st_mtime_ns == first

    template = with_dags.root / "sql_templates/orders/totals.sql"
    template.write_text(template.read_text().replace("COUNT(*)", "COUNT(order_id)"))
    found = parsed(airflow, with_dags)
    assert "COUNT(orders.order_id)" in found["sql"]["kpi.totals"]  # type: ignore[index]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}'])
def test_a_kept_file_that_is_garbage_is_made_again(
    airflow: Airflow, with_dags: Folder, text: str
) -> None:
    with_dags.write(".etl/compiled/orders.default.json", text)

    assert parsed(airflow, with_dags)["imported"] == []


def test_a_folder_that_may_not_be_written_is_no_hindrance(
    airflow: Airflow, with_dags: Folder
) -> None:
    with_dags.write(".etl", "a file where the folder would be")

    assert parsed(airflow, with_dags)["imported"] == []


MISTAKES = {
    "a mistyped key": ("pipelines/orders.yml", "max_rejected", "max_rejectd",
                       "E202 unknown key 'max_rejectd'"),
    "a wrong name in SQL": ("sql_templates/orders/totals.sql", "amount", "amuont",
                            "E413 unknown column 'amuont'"),
    "an unknown connection": ("pipelines/orders.yml", "connection: lake", "connection: lak",
                              "E301 the connection 'lak'"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_broken_pipeline_is_one_import_error_with_place_and_hint(
    airflow: Airflow, with_dags: Folder, mistake: str
) -> None:
    path, right, wrong, message = MISTAKES[mistake]
    file = with_dags.root / path
    file.write_text(file.read_text().replace(right, wrong))

    said = airflow.script(PARSE, str(with_dags.root / "dags/orders.py"), "orders", fails=True)

    last = said[said.index("CompileError:") :]
    assert message in last
    assert path in last
    assert "hint: did you mean" in last


def test_a_name_that_is_no_dag_id(airflow: Airflow, with_dags: Folder) -> None:
    file = with_dags.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("name: orders", "name: or ders", 1))

    said = airflow.script(PARSE, str(with_dags.root / "dags/orders.py"), "orders", fails=True)

    assert "pipelines/orders.yml:1:7: E204" in said
    assert "hint: " in said


def test_two_pipelines_of_one_name(airflow: Airflow, with_dags: Folder) -> None:
    text = (with_dags.root / "pipelines/orders.yml").read_text()
    with_dags.write("pipelines/others.yml", text)
    write_stubs(with_dags, ["others"])

    said = airflow.script(PARSE, str(with_dags.root / "dags/others.py"), "others", fails=True)

    assert "pipelines/others.yml:1:7: E306" in said
    assert "the table 'totals' is already written by orders.totals" in said
    assert parsed(airflow, with_dags)["tags"], "the one that has its own name stays"


def test_a_stub_without_a_pipeline(airflow: Airflow, with_dags: Folder) -> None:
    write_stubs(with_dags, ["order"])

    said = airflow.script(PARSE, str(with_dags.root / "dags/order.py"), "order", fails=True)

    assert "there is no pipeline 'order'" in said
    assert "hint: did you mean 'orders'?" in said


def test_a_stub_outside_of_a_project(airflow: Airflow, tmp_path: Path) -> None:
    Folder(tmp_path).write("stub.py", 'from etl_framework.airflow import load_dag\n'
                                      'load_dag("orders", globals())\n')  # fmt: skip

    said = airflow.script(PARSE, str(tmp_path / "stub.py"), "orders", fails=True)
    assert "lies in no project" in said


def test_a_task_finds_the_same_dag_without_dag_factory(airflow: Airflow, with_dags: Folder) -> None:
    """As a worker parses it, which Airflow says by the parsing context."""
    text = (with_dags.root / "pipelines/orders.yml").read_text()
    with_dags.write(
        "pipelines/orders.yml",
        "timezone: Europe/Rome\nretries: 1\ntags: [shop]\nowner: sales\npool: small\n"
        "notify: [{type: slack, events: [failure, success, warning]}]\n" + text,
    )
    file = str(with_dags.root / "dags/orders.py")
    with_dags.etl("compile", "orders", "--keep")
    in_a_task = PARSE.replace("import dagfactory", "").replace(
        "print(json.dumps({", 'assert "dagfactory" not in sys.modules\nprint(json.dumps({'
    )
    env = {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": "orders", "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "x"}

    direct = airflow.script(in_a_task, file, "orders", env=env)

    found = parsed(airflow, with_dags)
    assert direct["tags"] == ["etl", "shop"]
    assert found["tags"] == ["etl", "shop"]
    assert {**direct, "tags": []} == {**found, "tags": []}


TOLD = """
import json, os, runpy, sys
if sys.argv[3] != "-":
    os.environ["AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY"] = sys.argv[3]
if sys.argv[2] == "plug-in first":
    import dagfactory.plugin
from dagfactory.listeners.runtime_event import is_dagfactory_dag
dag = runpy.run_path(sys.argv[1])["orders"]
from dagfactory.telemetry import should_emit
print(json.dumps([should_emit(), is_dagfactory_dag(dag)]))
"""


@pytest.mark.parametrize(
    ("order", "setting", "expected"),
    [
        pytest.param("ours first", "-", [False, False], id="in the process that parses DAGs"),
        pytest.param("plug-in first", "-", [False, False], id="after dag-factory's plug-in"),
        pytest.param("plug-in first", "True", [True, False], id="of who wants it, not our DAGs"),
    ],
)
def test_dag_factory_tells_nobody_of_our_dags(
    airflow: Airflow, with_dags: Folder, order: str, setting: str, expected: list[bool]
) -> None:
    file = str(with_dags.root / "dags/orders.py")

    assert list(airflow.script(TOLD, file, order, setting)) == expected


SCHEDULES = """
import json, runpy, sys
found = {}
for name in sys.argv[2:]:
    dag = runpy.run_path(f"{sys.argv[1]}/dags/{name}.py")[name]
    table = dag.timetable
    found[name] = [type(table).__name__, "totals" in str(vars(table) if hasattr(table, "__dict__")
                   else table) or "totals" in str(getattr(table, "asset_condition", ""))]
print(json.dumps(found))
"""


def test_what_a_pipeline_waits_for(airflow: Airflow, with_dags: Folder) -> None:
    text = (with_dags.root / "pipelines/orders.yml").read_text()
    for name, schedule in (("after", "none"), ("both", "@hourly"), ("never", "none")):
        changed = text.replace("name: orders", f"name: {name}", 1).replace("@daily", schedule)
        after = "" if name == "never" else "after: [orders.totals]\n"
        with_dags.write(
            f"pipelines/{name}.yml", after + changed.replace("table: totals", f"table: {name}")
        )
    names = ("after", "both", "never")
    write_stubs(with_dags, names)

    found = airflow.script(SCHEDULES, str(with_dags.root), *names)

    assert "Asset" in found["after"][0] or "Dataset" in found["after"][0]
    assert "OrTime" in found["both"][0]
    assert found["never"][0] == "NullTimetable"


LOAD = """
import json, sys
from dagfactory import load_yaml_dags
load_yaml_dags(globals_dict=globals(), config_filepath=sys.argv[1], dags_folder=sys.argv[2])
found = globals()["orders"]
edges = sorted([up, task.task_id] for task in found.tasks for up in task.upstream_task_ids)
print(json.dumps({"edges": edges, "sql": {task.task_id: task.sql for task in found.tasks}}))
"""


def test_dag_factory_reads_what_compile_writes(airflow: Airflow, with_dags: Folder) -> None:
    written = with_dags.etl("compile", "orders")
    assert written.returncode == 0, written.stderr
    assert [task["task_id"] for task in yaml.safe_load(written.stdout)["orders"]["tasks"]] == [
        step.name for step in with_dags.plan("orders").steps
    ]

    file = with_dags.write("made/orders.yml", written.stdout)
    loaded = airflow.script(LOAD, str(file), str(with_dags.root / "made"))
    found = parsed(airflow, with_dags)
    assert json.dumps(loaded) == json.dumps({"edges": found["edges"], "sql": found["sql"]})
