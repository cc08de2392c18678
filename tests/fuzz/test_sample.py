"""A sample of `make fuzz`, what it has found, and input that is made to hurt."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.errors import Diagnostic
from etl_framework.lint.linter import Linter
from etl_framework.sql.planner import config
from tests.conftest import REPOSITORY
from tests.fuzz.hurting import HURTS
from tests.fuzz.sql import connected, differences, prepare
from tests.fuzz.values import TYPES, tried


def test_a_sample_of_mutated_files() -> None:
    """In a process of its own: a hook on what Python does stays for good."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "20", "20000"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 mutated projects" in done.stdout


def test_a_sample_of_what_grammars_build() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.shaped", "20"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "none broke lint" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("type_", TYPES)
def test_a_sample_of_values_read_in_three_ways(type_: str, tmp_path: Path, server: str) -> None:
    assert tried(type_, 50, 20_000, tmp_path, server) == []


@pytest.mark.slow
def test_a_sample_of_queries_on_both(running_stack: Stack) -> None:
    running_stack.empty()
    with closing(connected(running_stack)) as connection, duckdb.connect(config=config()) as here:
        cluster = connection.cursor()
        prepare(here, cluster)

        assert list(differences(100, 20_000, here, cluster)) == []


def test_a_sample_of_secrets_in_messages() -> None:
    """In a process of its own: secrets stay known for good, and Airflow's log changes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.messages", "1", "1000"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "1 canaries: 0 messages show them" in done.stdout


def test_a_sample_of_broken_states() -> None:
    """In a process of its own: it sets variables for its server of S3."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.state", "5", "5000"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 broken states" in done.stdout and " 0 wrong" in done.stdout


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """What lint says of each, and what Python did on the way that it must not."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.hurting"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code"), [(hurt[0], hurt[3]) for hurt in HURTS])
def test_input_that_is_made_to_hurt(said: dict[str, Any], name: str, code: str) -> None:
    written, broken = said[name]
    found = [Diagnostic(*each) for each in written]

    assert broken == []
    assert [each for each in found if each.code.startswith(code)], [str(each) for each in found]
    assert all(len(str(each)) < 1000 for each in found)


def test_a_connection_that_is_missing_where_the_engine_is_redshift(tmp_path: Path) -> None:
    root = tmp_path / "project"
    case = REPOSITORY / "tests" / "cases" / "lint" / "not_in_the_cluster"
    subprocess.run(["cp", "-r", case, root], check=True)
    for file in (root / "pipelines").iterdir():
        file.write_text(file.read_text().replace("connection: warehouse", "connection: warehaus"))

    found = Linter(root, start=False).look()

    assert "E301" in {each.code for each in found}
