"""D204: dag-factory's telemetry, where an Airflow is on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etl_framework.doctor.telemetry import REFUSING, SETTING, Telemetry
from tests.conftest import Folder
from tests.doctor.conftest import patient


@pytest.fixture
def home(orders: Folder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an Airflow, for a project with DAGs."""
    for name in [*filter(lambda name: name.startswith("AIRFLOW__"), os.environ), *REFUSING]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(orders.root / "home"))
    orders.write("dags/orders.py", "")
    return orders.root / "home"


@pytest.mark.parametrize(
    ("file", "variables", "is_told"),
    [
        pytest.param(None, {}, False, id="no Airflow here"),
        pytest.param("", {}, True, id="an Airflow that says nothing"),
        pytest.param("[dag_factory]\nenable_telemetry = False\n", {}, False, id="its file"),
        pytest.param("[dag_factory]\nenable_telemetry = True\n", {}, True, id="its file says yes"),
        pytest.param("", {SETTING: "false"}, False, id="a variable"),
        pytest.param(None, {"AIRFLOW__CORE__DAGS_FOLDER": "x"}, True, id="an Airflow by variables"),
        pytest.param("", {"DO_NOT_TRACK": "1"}, False, id="nothing is to be tracked"),
        pytest.param("", {"DO_NOT_TRACK": "0"}, True, id="a refusal that is none"),
        pytest.param("[core]\nx = 100%\n", {SETTING: "0"}, False, id="a file with a percent sign"),
    ],
)
def test_telemetry(
    orders: Folder, home: Path, monkeypatch: pytest.MonkeyPatch, file: str | None,
    variables: dict[str, str], is_told: bool,
) -> None:  # fmt: skip
    if file is not None:
        home.mkdir()
        (home / "airflow.cfg").write_text(file)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    problems = list(Telemetry().examine(patient(orders), ""))

    assert [problem.code for problem in problems] == ["D204"] * is_told
    assert all(SETTING in problem.hint for problem in problems)
