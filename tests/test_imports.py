"""What is imported when: help and parsing load nothing that is large."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

LARGE = ("duckdb", "pandas", "pyarrow", "sqlglot", "pydantic", "psycopg2", "boto3", "airflow")
SHOW = f"; import sys; print(*(name for name in {LARGE} if name in sys.modules))"


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        pytest.param("import etl_framework.cli", "", id="the command line"),
        pytest.param("from etl_framework.cli import cli; cli(['--help'], standalone_mode=False)",
                     "", id="its help"),
        pytest.param("from etl_framework.cli import cli; cli(['run', '-h'], standalone_mode=False)",
                     "", id="the help of a command"),
        pytest.param("from pathlib import Path; from etl_framework.project.project import "
                     "load_project; assert load_project(Path()).pipelines", "pydantic",
                     id="loading a project"),
    ],
)  # fmt: skip
def test_what_is_imported(code: str, allowed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code + SHOW], cwd=REPOSITORY, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip

    assert done.stdout.splitlines()[-1] == allowed
