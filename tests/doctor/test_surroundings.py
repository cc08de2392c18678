"""What is wrong without any server: versions, variables, DAG files, memory, secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from etl_framework.doctor import machine
from etl_framework.doctor.dag_files import HeavyImports, Parsing
from etl_framework.doctor.examine import examinations
from etl_framework.doctor.machine import Disk, Memory
from etl_framework.doctor.versions import Packages, PythonVersion
from etl_framework.platforms.mwaa import environment_class, mwaa_version
from tests.cli.conftest import Etl, etl
from tests.conftest import Folder
from tests.doctor.conftest import codes, patient, told

__all__ = ["etl"]
LOCAL = """
    default: local
    environments:
      local:
        memory_limit: %s
        connections:
          lake: {type: directory, path: lake}
          warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
    """


@pytest.fixture
def project(orders: Folder) -> Folder:
    orders.write("environments.yml", LOCAL % "150MB")
    return orders


def test_each_examination_has_codes_of_its_own_and_says_what_it_is() -> None:
    kinds = [type(each) for each in examinations()]

    assert len(kinds) > 12
    assert all(kind.codes and kind.__doc__ for kind in kinds)
    assert len({kind.codes[0] for kind in kinds}) == len(kinds) - 1  # D402: listing, twice


def test_the_command(project: Folder, etl: Etl) -> None:
    done = etl("doctor")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 problems found\n")
    done = etl("doctor", "--class", "mw1.small", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "0 problems found\n")
    project.write("environments.yml", LOCAL % "400MB")
    done = etl("doctor", "--class", "mw1.small")
    assert (done.returncode, done.stdout) == (1, (
        "environments.yml:4:19: D503 warning: mw1.small has 400 MB for each of 5 tasks, and one "
        "takes up to 610 MB\n  hint: set celery.worker_autoscale to 3,1, or memory_limit: 190MB\n"
    ))  # fmt: skip
    (found,) = json.loads(etl("doctor", "--class", "mw1.small", "--format", "json").stdout)
    assert (found["code"], found["line"]) == ("D503", 4)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--target", "mwaa:3.3.2"], "did you mean", id="no version"),
        pytest.param(["--class", "mw1.smal"], "did you mean 'mw1.small'?", id="no class"),
        pytest.param(["--env", "locl"], "did you mean 'local'?", id="no environment"),
        pytest.param(["--timeout", "0"], "0.1", id="no time"),
    ],
)
def test_what_cannot_be_done(project: Folder, etl: Etl, arguments: list[str], says: str) -> None:
    done = etl("doctor", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_what_is_named_and_not_there(orders: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    orders.write(
        "environments.yml",
        """
        default: local
        environments:
          local:
            staging: "s3://{{ var.bucket }}/staging"
            connections:
              lake: {type: s3, bucket: "{{ var.bucket }}", conn_id: aws_lake}
              warehouse: {type: redshift, database: dev, host: "{{ env.HOST_OF_IT }}", user: u,
                          password: "{{ env.PASSWORD_OF_IT }}"}
        """,
    )
    monkeypatch.setenv("AIRFLOW_CONN_AWS_LAKE", "{{ this is no connection")
    found = told(orders)

    assert [(each.code, each.line, each.message) for each in found] == [
        ("D302", 4, "staging: the variable bucket is not set"),
        ("D301", 6, "lake: AIRFLOW_CONN_AWS_LAKE is neither a URL nor JSON"),
        ("D302", 6, "lake: the variable bucket is not set"),
        ("D302", 7, "warehouse: the variable HOST_OF_IT is not set"),
        ("D302", 7, "warehouse: the variable PASSWORD_OF_IT is not set"),
    ]
    assert "set AIRFLOW_VAR_BUCKET" in found[0].hint
    assert "this is" not in str(found)


def test_versions(project: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from etl_framework.doctor import versions

    target = mwaa_version("3.3.1")
    there = target.installed()
    seen = replace(patient(project), target=target)
    monkeypatch.setattr(versions, "_here", lambda name: there.get(name, ""))
    assert list(Packages().examine(seen, "")) == []
    monkeypatch.setattr(versions, "_here", lambda name: "1.10" if name == "pydantic" else "")
    (found,) = Packages().examine(seen, "")
    assert found.message == f"pydantic is 1.10 here, and {there['pydantic']} in mwaa:3.3.1"
    monkeypatch.setattr(versions, "_needed", lambda: {"pydantic": "99.0"})
    assert [each.code for each in Packages().examine(seen, "")] == ["D103", "D102"]
    here = [each.code for each in PythonVersion().examine(seen, "")]
    assert here == ([] if sys.version_info[:2] == (3, 12) else ["D101"])


def test_disk_and_memory(project: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = replace(patient(project), size=environment_class("mw1.micro"))
    assert list(Memory().examine(seen, "")) == []
    monkeypatch.setattr(machine, "FREE", 1 << 60)
    assert [each.code for each in Disk().examine(seen, "")] == ["D502"]


def test_heavy_imports(project: Folder) -> None:
    project.write(
        "dags/a.py", "import os\nfrom pandas.io import sql\n\ndef f():\n    import duckdb\n"
    )
    (found,) = HeavyImports().examine(patient(project), "")

    assert (found.place, found.code) == ("dags/a.py:2:1: ", "D202")
    assert found.message.startswith("pandas.io is imported")


@pytest.mark.slow
def test_parsing(project: Folder) -> None:
    stub = 'from etl_framework.airflow import load_dag\n\nload_dag("orders", globals())\n'
    project.write("dags/orders.py", stub)
    project.write("dags/broken.py", "import nowhere_at_all\n")
    busy = "import time\nend = time.perf_counter() + 0.6\nwhile time.perf_counter() < end: pass\n"
    project.write("dags/slow.py", busy)
    found = list(Parsing().examine(patient(project), ""))

    assert [(each.code, each.path) for each in found] == [
        ("D203", "dags/broken.py"), ("D201", "dags/slow.py"),
    ]  # fmt: skip
    assert "nowhere_at_all" in found[0].message


def test_secrets(project: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("env", "X=1\n")
    text = (project.root / "environments.yml").read_text()
    url = '      rds: {type: postgres, url: "postgresql://u:hunter2@db/x"}\n'
    text = text.replace("    memory_limit", "    env_file: env\n    memory_limit") + url
    (project.root / "environments.yml").write_text(text)
    assert codes(project) == [("D601", "a URL with a password in it")]

    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    subprocess.run(["git", "add", "env"], cwd=project.root, check=True)
    found = told(project)
    assert [each.code for each in found] == ["D602", "D601"]
    assert "hunter2" not in str(found)


def test_a_password_in_a_variable(orders: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (orders.root / "environments.yml").read_text().replace("env.TEST_RDS_URL", "var.rds")
    (orders.root / "environments.yml").write_text(text)
    file = orders.root / "pipelines/orders.yml"
    source = "\nsources:\n  x:\n    {type: postgres, connection: rds, table: x, columns: " \
             "[{name: a, type: integer}]}\n"  # fmt: skip
    file.write_text(file.read_text().replace("\nsources:\n", source, 1))
    monkeypatch.setenv("AIRFLOW_VAR_RDS", "postgresql://u:hunter2@127.0.0.1:1/x")

    found = told(orders)
    assert [each.code for each in found] == ["D311", "D603"]
    assert "hunter2" not in str(found)
