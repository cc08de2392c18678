"""Parsing DAGs: our stubs, dag-factory reading the equivalent YAML, and plain Python files.

Each is parsed in a process of its own with Airflow imported before; the best of several. What is
imported for dag-factory is told apart, for it is paid once in a process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
COUNTS, ROUNDS = (1, 100, 500), 3
STUB = """from etl_framework.airflow import load_dag

load_dag("{name}", globals())
"""
YAML = """import os
from dagfactory import load_yaml_dags

here = os.path.dirname(__file__)
load_yaml_dags(globals_dict=globals(), config_filepath=os.path.join(here, "{name}.yml"))
"""
# Prints the seconds that importing and then parsing took; the first argument says what to import.
TIMED = """
import logging, runpy, sys, time
import airflow
try:
    import airflow.sdk
    from airflow.sdk import DAG, BaseOperator, TaskGroup, Asset
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:
    from airflow.models.dag import DAG
    from airflow.operators.python import PythonOperator
logging.disable(logging.CRITICAL)
started = time.perf_counter()
if sys.argv[1] == "dagfactory":
    import dagfactory
imported = time.perf_counter()
for file in sys.argv[2:]:
    runpy.run_path(file)
print(imported - started, time.perf_counter() - imported)
"""


def write(root: Path, count: int) -> dict[str, list[Path]]:
    """A project with so many pipelines, and the same DAGs in the other two ways."""
    for folder in ("pipelines", "sql_templates", "dags", "yaml", "plain"):
        (root / folder).mkdir()
    (root / "environments.yml").write_text((ROOT / "environments.yml").read_text())
    text = (ROOT / "pipelines/music_streaming.yml").read_text()
    source = ROOT / "sql_templates/music_streaming"
    files: dict[str, list[Path]] = {"stubs": [], "yaml": [], "plain": []}
    (root / "sql_templates/music_streaming").mkdir()
    for template in source.iterdir():
        (root / "sql_templates/music_streaming" / template.name).write_bytes(template.read_bytes())
    for number in range(count):
        name = f"music_{number:03}"
        mine = text.replace("name: music_streaming", f"name: {name}", 1)
        for table in ("kpis_genre", "kpis_hourly"):
            mine = mine.replace(f"table: {table}", f"table: {table}_{number}")
        (root / f"pipelines/{name}.yml").write_text(mine)
        for kind, folder, text_ in (("stubs", "dags", STUB), ("yaml", "yaml", YAML)):
            file = root / f"{folder}/{name}.py"
            file.write_text(text_.format(name=name))
            files[kind].append(file)
    _compile(root, count)
    for number in range(count):
        name = f"music_{number:03}"
        config = json.loads((root / f".etl/compiled/{name}.default.json").read_text())["config"]
        (root / f"yaml/{name}.yml").write_text(yaml.safe_dump(config, sort_keys=False))
        files["plain"].append(_plain(root, name, config[name]))
    return files


def _compile(root: Path, count: int) -> None:
    """Compile the first, and make the others of it: that is not what is measured."""
    from etl_framework.airflow.compiled import digest

    subprocess.run(
        [sys.executable, "-m", "etl_framework", "compile", "music_000", "--keep"],
        cwd=root, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    first = (root / ".etl/compiled/music_000.default.json").read_text()
    for number in range(1, count):
        name = f"music_{number:03}"
        kept = json.loads(first.replace("music_000", name))
        kept["files"] = {path: digest(root / path) for path in kept["files"]}
        (root / f".etl/compiled/{name}.default.json").write_text(json.dumps(kept))


def _plain(root: Path, name: str, dag: dict[str, object]) -> Path:
    """The same DAG as one would write it by hand."""
    lines = [
        "from datetime import datetime, timedelta",
        "try:",
        "    from airflow.sdk import DAG, TaskGroup, CronDataIntervalTimetable",
        "except ImportError:",
        "    from airflow.models.dag import DAG",
        "    from airflow.utils.task_group import TaskGroup",
        "    from airflow.timetables.interval import CronDataIntervalTimetable",
        "from etl_framework.airflow.operators import (",
        "    CheckOperator, ExtractOperator, KpiOperator, PublishOperator, TransformOperator)",
        "from etl_framework.airflow.objects import asset",
        "",
        f"with DAG({name!r}, description={dag['description']!r}, start_date=datetime(2024, 6, 25),",
        "         schedule=CronDataIntervalTimetable('0 3 * * *', timezone='UTC'), catchup=False,",
        f"         max_active_runs=1, tags=['etl'], doc_md={dag['doc_md']!r},",
        "         default_args={'owner': 'analytics', 'retries': 3,",
        "             'retry_delay': timedelta(seconds=60),",
        "             'retry_exponential_backoff': True}) as dag:",
        "    groups = {n: TaskGroup(n, prefix_group_id=False)",
        "              for n in ('sources', 'transforms', 'kpis')}",
        "    tasks = {}",
    ]
    for task in dag["tasks"]:  # type: ignore[attr-defined]
        given = {k: v for k, v in task.items() if k not in ("operator", "dependencies", "group")}
        outlets = given.pop("outlets", [])
        assets = [f"asset(uri={o['uri']!r}, name={o['name']!r})" for o in outlets]
        group = f", task_group=groups[{task['group']!r}]" if "group" in task else ""
        listed = ", ".join(f"{key}={value!r}" for key, value in given.items())
        lines.append(
            f"    tasks[{task['task_id']!r}] = {task['operator'].rpartition('.')[2]}({listed}, "
            f"outlets=[{', '.join(assets)}]{group})"
        )
        lines += [
            f"    tasks[{need!r}] >> tasks[{task['task_id']!r}]" for need in task["dependencies"]
        ]
    file = root / f"plain/{name}.py"
    file.write_text("\n".join(lines) + "\n")
    return file


def timed(home: Path, first: str, files: list[Path], task: str = "") -> tuple[float, float]:
    """The best of several: seconds to import dag-factory, and to parse the files.

    :param task: of a worker that starts it; Airflow tells the file so.
    """
    env = {**os.environ, "AIRFLOW_HOME": str(home), "PYTHONWARNINGS": "ignore",
           "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False"}  # fmt: skip
    if task:
        env |= {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": "x", "_AIRFLOW_PARSING_CONTEXT_TASK_ID": task}
    env["PYTHONPATH"] = f"{ROOT}:{env.get('PYTHONPATH', '')}"
    found = []
    for _ in range(ROUNDS):
        done = subprocess.run(
            [sys.executable, "-c", TIMED, first, *map(str, files)],
            env=env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = done.stdout.strip().splitlines()[-1].split()
        found.append((float(seconds[0]), float(seconds[1])))
    return min(f[0] for f in found), min(f[1] for f in found)


def main() -> None:
    """Print the table."""
    print("pipelines   our stubs  dag-factory     plain  seconds, and ratio")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            files = write(root, count)
            _, ours = timed(root, "dagfactory", files["stubs"])
            imported, theirs = timed(root, "dagfactory", files["yaml"])
            _, plain = timed(root, "", files["plain"])
            print(f"{count:>9}  {ours:>10.3f}  {theirs:>11.3f}  {plain:>8.3f}  "
                  f"{ours / theirs:.2f} of dag-factory's")  # fmt: skip
            if count == 1:
                _, cold = timed(root, "", files["stubs"], task="publish")
                print(f"a task's start: {1000 * (cold - plain):.0f} ms above plain Python, where "
                      f"importing dag-factory takes {1000 * imported:.0f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
