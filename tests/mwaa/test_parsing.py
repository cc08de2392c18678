"""What DAG files do while they are parsed, in a real Airflow: each sin is found with its line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from etl_framework.mwaa.bundle.verify import of_rows
from tests.conftest import REPOSITORY

if find_spec("airflow") is None:
    pytest.skip("Airflow is not installed", allow_module_level=True)
pytestmark = pytest.mark.slow

DAG = "\nfrom airflow import DAG\n\n{name} = DAG('{name}', schedule=None, tags=[{tag}])\n"
FILES = {
    "good": "",
    "opens": "import socket\n\nsocket.create_connection(('127.0.0.1', 9))\n",
    "looks_up": "import socket\ntry:\n    socket.getaddrinfo('db.internal', 5432)\n"
                "except Exception:\n    pass\n",
    "by_libpq": "import psycopg2\n\n\ndef rows():\n    return psycopg2.connect('host=127.0.0.1')\n"
                "\n\nrows()\n",
    "compiles": "import subprocess, sys\n\n\nsubprocess.run([sys.executable, '-V'])\n",
    "wrong": "import no_such_package\n",
    "new_each_time": "import os\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What is said of each file, by its name."""
    root = tmp_path_factory.mktemp("parsing")
    dags = root / "dags"
    (dags / "ignored").mkdir(parents=True)
    for name, text in FILES.items():
        tag = "os.urandom(8).hex()" if name == "new_each_time" else ""
        (dags / f"{name}.py").write_text(text + DAG.format(name=name, tag=tag))
    (dags / "ignored/x.py").write_text("from airflow import DAG\nx = DAG('x')\n")
    (dags / ".airflowignore").write_text("/ignored\n")
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(root), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "etl_framework.airflow.parsing", str(dags)],
        env=env, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    return {Path(row["file"]).stem: row for row in found}


def test_airflow_parses_what_is_not_ignored(rows: dict[str, dict[str, Any]]) -> None:
    assert set(rows) == set(FILES)
    assert rows["good"]["dags"] == ["good"]
    assert (rows["good"]["error"], rows["good"]["refused"], rows["good"]["same"]) == ("", [], True)


def of_problems(rows: dict[str, dict[str, Any]], name: str) -> list[str]:
    return [str(found).split("\n")[0] for found in of_rows([rows[name]], [name])]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("opens", "dags/opens.py:3:1: B402 a connection is begun while the file is "
                     "parsed", id="a connection"),
        pytest.param("looks_up", "dags/looks_up.py:3:1: B402 a connection is begun while the file "
                     "is parsed", id="a look-up whose error is hidden"),
        pytest.param("by_libpq", "dags/by_libpq.py:5:1: B402 a connection is begun while the file "
                     "is parsed", id="a connection made in C"),
        pytest.param("compiles", "dags/compiles.py:4:1: B402 another Python is begun while the "
                     "file is parsed", id="another Python"),
        pytest.param("wrong", "dags/wrong.py:1:1: B401 cannot be imported: ModuleNotFoundError: No "
                     "module named 'no_such_package'", id="a package that is missing"),
        pytest.param("new_each_time", "dags/new_each_time.py: B404 makes another DAG each time "
                     "that it is parsed: a new version each time", id="another DAG each time"),
    ],
)  # fmt: skip
def test_what_is_found(rows: dict[str, dict[str, Any]], name: str, said: str) -> None:
    assert [each for each in of_problems(rows, name) if "B403" not in each] == [said]


def test_what_takes_long(rows: dict[str, dict[str, Any]]) -> None:
    slow = {**rows["good"], "seconds": 0.51}

    assert [str(found).split("\n")[0] for found in of_rows([slow], [])] == [
        "dags/good.py: B403 takes 0.51 s to parse, more than 0.5 s"
    ]


def test_a_dag_that_airflow_does_not_find() -> None:
    row = {"file": "a.py", "seconds": 0.1, "dags": ["a"], "error": "", "refused": [], "same": True}

    assert [str(found).split("\n")[0] for found in of_rows([row], ["a", "b"])] == [
        "dags/.airflowignore: B405 Airflow finds no DAG 'b'"
    ]
    assert list(of_rows([], ["a"])) == [], "none was parsed"
