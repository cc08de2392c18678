"""`etl deploy`: what it prints, its exit codes, and that `--dry-run` changes nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from subprocess import CompletedProcess

import boto3
import pytest
from botocore.validate import ParamValidator

from etl_framework.cli import main
from tests.cli.test_document import undocumented
from tests.mwaa.deployed.conftest import OTHERS, SECRET, Place
from tests.mwaa.deployed.test_deploy import ORDERS

Deploy = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def deploy(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Deploy:
    """The command in this process, with time that passes when it sleeps."""
    monkeypatch.setattr(time, "sleep", place.clock.sleep)
    monkeypatch.setattr(time, "monotonic", place.clock.now)

    def run(*arguments: str) -> CompletedProcess[str]:
        command = ["etl", "deploy", "--target", "mwaa", "--name", place.environment.name]
        monkeypatch.setattr(sys, "argv", [*command, *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        found = capsys.readouterr()
        return CompletedProcess(arguments, code, found.out, found.err)

    return run


def test_a_deploy_and_back(place: Place, deploy: Deploy) -> None:
    folder = str(place.bundle("c1", ORDERS))
    place.environment.polls = 2
    done = deploy("--bundle", folder)
    name = place.environment.name

    assert (done.returncode, done.stdout) == (0, f"{name} has commit c1\n")
    assert done.stderr.splitlines() == [
        f"{name}: Airflow 3.3.1, s3://airflow-{name}; files: 7 to upload; the environment to be "
        "updated",
        "upload plugins.zip",
        "upload requirements.txt",
        "update the environment: Plugins, Requirements",
        "  UPDATING after 0:00:00",
        "  UPDATING after 0:00:05",
        "  AVAILABLE after 0:00:12",
        "  the scheduler installed etl-framework 0.1.0",
        "  the web server installed etl-framework 0.1.0",
        "  the worker installed etl-framework 0.1.0",
        *(f"upload dags/{path}" for path in (
            ".airflowignore", "project/environments.yml", "project/pipelines/orders.yml",
            "project/sql_templates/orders/totals.sql", "orders.py",
        )),
        "asking Airflow for its DAGs",
        "  Airflow has 1 of 1 DAGs",
        "  the DAG processor reads them with etl-framework 0.1.0",
        "  paused: orders",
    ]  # fmt: skip
    assert deploy("--bundle", folder).stdout == f"{name} has commit c1 already\n"
    assert deploy("--rollback").stdout == f"{name} is back at what was there before\n"
    again = deploy("--rollback")
    assert (again.returncode, again.stdout) == (2, "")
    assert "M113" in again.stderr


def test_a_dry_run_prints_every_call_and_changes_nothing(place: Place, deploy: Deploy) -> None:
    folder = place.bundle("c1", ORDERS, options={"etl.environment": "prod"})
    state, versions = dict(place.environment.state), place.versions()
    done = deploy("--bundle", str(folder), "--dry-run")

    assert done.returncode == 0
    assert (place.environment.state, place.versions()) == (state, versions)
    lines = done.stdout.splitlines()
    assert lines[0] == f"made   mwaa get_environment Name='{place.environment.name}'"
    would = [line.split()[1:3] for line in lines if line.startswith("would")]
    assert [" ".join(each) for each in would] == [
        "s3 put_object", *["s3 put_object"] * 2, "mwaa update_environment", *["s3 put_object"] * 5,
        "s3 put_object",
    ]  # fmt: skip
    update = next(line for line in lines if "update_environment" in line)
    assert "PluginsS3ObjectVersion=<version of plugins.zip>" in update
    assert f"'{OTHERS}': '***'" in update
    assert "'etl.environment': 'prod'" in update
    assert SECRET not in done.stdout + done.stderr


def test_a_dry_run_says_what_a_deploy_then_does(place: Place, deploy: Deploy) -> None:
    folder = place.bundle("c1", ORDERS)
    would = [line[7:] for line in deploy("--bundle", str(folder), "--dry-run").stdout.splitlines()
             if line.startswith("would")]  # fmt: skip
    place.deploy(folder)
    made = [f"{call.service} {call.operation}" for call in place.calls if not call.reads]

    assert [" ".join(line.split()[:2]) for line in would] == made


def test_a_failure_is_said_without_a_traceback(place: Place, deploy: Deploy) -> None:
    place.environment.pip = ["ERROR: No matching distribution found for x"]
    done = deploy("--bundle", str(place.bundle("c1", ORDERS)))

    assert (done.returncode, done.stdout) == (1, "")
    assert "M301 pip: No matching distribution found for x (3 containers)\n  hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_document_of_a_dry_run_and_of_a_deploy(place: Place, deploy: Deploy) -> None:
    folder = str(place.bundle("c1", ORDERS))
    dry = json.loads(deploy("--bundle", folder, "--dry-run", "--format", "json").stdout)
    assert (dry["state"], dry["dry_run"]) == ("done", True)
    assert dry["made"][0] == f"mwaa get_environment Name='{place.environment.name}'"
    assert sum("put_object" in call for call in dry["would"]) == 7 + 2, "and the record"

    done = deploy("--bundle", folder, "--format", "json", "--quiet")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr, document["problems"]) == (0, "", [])
    assert document["environment"] == place.environment.name
    assert (document["airflow"], document["commit"]) == ("3.3.1", "c1")
    assert document["files"] == {"upload": 7, "restore": 0, "delete": 0}
    assert (document["unchanged"], document["updates_environment"]) == (0, True)
    assert undocumented([dry, document]) == set()


def test_a_document_of_what_is_refused_and_of_what_fails(place: Place, deploy: Deploy) -> None:
    refused = deploy("--bundle", "nowhere", "--format", "json")
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["state"] == "failed"

    place.environment.pip = ["ERROR: No matching distribution found for x"]
    failed = deploy("--bundle", str(place.bundle("c1", ORDERS)), "--format", "json")
    document = json.loads(failed.stdout)
    assert (failed.returncode, document["files"]["upload"]) == (1, 7)
    assert "M301" in [problem["code"] for problem in document["problems"]]


def test_a_deploy_for_machines(place: Place, deploy: Deploy) -> None:
    done = deploy("--bundle", str(place.bundle("c1", ORDERS)), "--log-format", "json")
    told = [json.loads(line) for line in done.stderr.splitlines()]

    assert {(line["event"], line["environment"]) for line in told} == {
        ("deploy", place.environment.name)
    }
    assert "upload plugins.zip" in [line["message"] for line in told]


@pytest.mark.parametrize("operation", ["GetEnvironment", "InvokeRestApi", "UpdateEnvironment"])
def test_the_stand_in_answers_in_the_shapes_of_aws(place: Place, operation: str) -> None:
    place.deploy(place.bundle("c1", ORDERS, startup="echo\n"))
    client = boto3.client("mwaa")
    name = {"Name": place.environment.name}
    answers = {
        "GetEnvironment": lambda: client.get_environment(**name),
        "InvokeRestApi": lambda: client.invoke_rest_api(**name, Path="/dags", Method="GET",
                                                        QueryParameters={"limit": 9}),
        "UpdateEnvironment": lambda: client.update_environment(**name),
    }  # fmt: skip
    answer = answers[operation]()
    answer.pop("ResponseMetadata")
    shape = client.meta.service_model.operation_model(operation).output_shape

    assert answer
    assert ParamValidator().validate(answer, shape).generate_report() == ""
    if operation == "GetEnvironment":
        known = client.meta.service_model.shape_for("Environment").members
        assert set(place.environment.state) <= set(known)
