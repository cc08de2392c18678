"""Workflows of MWAA Serverless say no more than the service knows."""

from __future__ import annotations

import zipfile
from pathlib import Path

import yaml

from etl_framework.mwaa.bundle.archive import write_zip
from etl_framework.mwaa.bundle.serverless import LIMIT, newer_than_asked, unpacked, workflow_text
from etl_framework.plan.plan import build_plan
from etl_framework.project.project import load_project
from tests.conftest import REPOSITORY, Folder

# Airflow Parameter Support in the service's user guide, and what each operator takes.
KNOWN = {"dag_id", "schedule", "default_args", "tasks"}
OF_A_TASK = {"operator", "dependencies", "pipeline", "environment", "project"}


def test_a_workflow_is_the_plan() -> None:
    project = load_project(REPOSITORY)
    pipeline = project.pipeline("music_streaming").model
    assert pipeline
    plan = build_plan(project, pipeline.name, "prod", pipeline.some_interval())
    text = workflow_text(plan)
    found = yaml.safe_load(text)["music_streaming"]

    assert len(text.encode()) < LIMIT
    assert set(found) == KNOWN
    assert found["schedule"] == "0 3 * * *"
    assert found["default_args"] == {
        "retries": 3,
        "retry_delay": {"__type__": "datetime.timedelta", "seconds": 60},
        "execution_timeout": {"__type__": "datetime.timedelta", "seconds": 3600},
    }
    assert {key for task in found["tasks"].values() for key in task} == OF_A_TASK
    assert {name: task["dependencies"] for name, task in found["tasks"].items()} == {
        step.name: list(step.needs) for step in plan.steps
    }


def test_a_preset_becomes_an_expression(with_prod: Folder) -> None:
    project = load_project(with_prod.root)
    pipeline = project.pipeline("orders").model
    assert pipeline
    plan = build_plan(project, "orders", "prod", pipeline.some_interval())

    assert yaml.safe_load(workflow_text(plan))["orders"]["schedule"] == "0 0 * * *"


def test_wheels_are_unpacked_as_an_installer_does(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-cp312-cp312-manylinux_2_28_x86_64.whl"
    write_zip(wheel, {"a/__init__.py": b"1", "a-1.data/purelib/b.py": b"2",
                      "a-1.data/scripts/run": b"3", "a-1.dist-info/METADATA": b"4"})  # fmt: skip

    assert unpacked([wheel]) == {
        "a/__init__.py": b"1", "b.py": b"2", "a-1.dist-info/METADATA": b"4",
    }  # fmt: skip
    assert newer_than_asked([wheel]) == (
        f"{wheel.name} is newer than manylinux2014, for which there is none",
    )
    assert newer_than_asked([Path("a-1-cp312-cp312-manylinux_2_17_x86_64.whl")]) == ()


def test_a_compressed_zip_is_the_same_again(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        write_zip(tmp_path / name, {"x": b"0" * 10_000}, compressed=True)

    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.getinfo("x").compress_size < 100
