"""Workflows of GitHub parse, are pinned, and run commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import yaml

from etl_framework.cli import own_commands
from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / ".github/workflows/deploy.yml"


def steps(file: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in steps(DEPLOY) if "uses" in step]

    assert len(used) >= 5
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each)] == []


def test_every_command_and_option_exists() -> None:
    lines = [shlex.split(line) for step in steps(DEPLOY) for line in
             step.get("run", "").splitlines()]  # fmt: skip
    commands = [line[1:] for line in lines if line[0] == "etl"]

    assert {"lint", "test", "bundle", "deploy"} == {line[0] for line in commands}
    for name, *rest in commands:
        if name == "bundle" and name not in own_commands():
            continue
        known = {option for each in own_commands()[name].params for option in each.opts}
        assert {word for word in rest if word.startswith("--")} <= known, name


def test_only_the_job_that_is_approved_gets_a_token() -> None:
    found = yaml.safe_load(DEPLOY.read_text(encoding="utf-8"))

    assert found["permissions"] == {"contents": "read"}
    tokens = [n for n, job in found["jobs"].items() if "id-token" in job.get("permissions", {})]
    assert tokens == ["deploy"]
    assert found["jobs"]["deploy"]["environment"] == "production"
