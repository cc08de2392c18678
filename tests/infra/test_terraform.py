"""Terraform of infra/: it parses, is formatted, and has the rights that the pipelines need now.

Terraform's own `validate` and `test` take half a minute: `make test-infra`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import chain
from typing import Any

import hcl2
import pytest

from etl_framework.iam.facts import Facts
from etl_framework.iam.rights import rights_of
from etl_framework.iam.secrets import connections, variables
from etl_framework.iam.terraform import as_terraform
from etl_framework.project.project import load_project
from tests.conftest import REPOSITORY

INFRA = REPOSITORY / "infra"
FILES = sorted(INFRA.rglob("*.tf"))


def parsed(kind: str) -> list[dict[str, Any]]:
    """The blocks of a kind in all files of the root module."""
    files = (hcl2.loads(file.read_text()) for file in INFRA.glob("*.tf"))
    return list(chain.from_iterable(file.get(kind, []) for file in files))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(INFRA)))
def test_it_parses_and_is_documented(file: Any) -> None:
    found = hcl2.loads(file.read_text())

    for kind in ("variable", "output"):
        for block in found.get(kind, []):
            assert all("description" in body for body in block.values())


def test_the_rights_are_those_of_the_pipelines() -> None:
    made = as_terraform(rights_of(load_project(REPOSITORY), "prod", Facts({})))

    assert (INFRA / "rights/main.tf").read_text() == made, (
        "run: etl iam --env prod --format terraform > infra/rights/main.tf"
    )


def test_every_variable_of_the_rights_is_given() -> None:
    wanted = re.findall(r'variable "(\w+)"', (INFRA / "rights/main.tf").read_text())
    (module,) = [body for block in parsed("module") for body in block.values()]

    assert set(wanted) == {key for key in module if not key.startswith("__")} - {"source"}


def test_each_name_that_is_looked_up_has_an_entry() -> None:
    project = load_project(REPOSITORY)
    used = project.environment("prod")
    pipelines = [found.model for found in project.pipelines if found.model]
    text = (INFRA / "variables.tf").read_text()
    entries = set(re.findall(r'"((?:connections|variables)/\w+)"', text))

    assert entries == {
        *(f"connections/{name}" for name in connections(used, pipelines)),
        *(f"variables/{name}" for name in variables(used)),
    }


def test_no_secret_has_a_value() -> None:
    kinds = {kind.strip('"') for block in parsed("resource") for kind in block}

    assert "aws_secretsmanager_secret" in kinds
    assert not kinds & {"aws_secretsmanager_secret_version", "random_password"}
    assert re.search(r"(?m)^\s*(master_|admin_user_)?password\s*=", "".join(
        file.read_text() for file in FILES)) is None  # fmt: skip


def test_it_is_formatted() -> None:
    binary = shutil.which("terraform")
    if not binary:
        pytest.skip("there is no terraform on PATH")
    command = [binary, "fmt", "-check", "-recursive", "-no-color", str(INFRA)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
