"""Airflow in processes of its own, as it parses and as it runs; none of it is imported here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY, Folder
from tests.runs.conftest import music as music

if find_spec("airflow") is None:
    pytest.skip("Airflow is not installed", allow_module_level=True)

STUB = '''"""The DAG of pipelines/{name}.yml."""

from etl_framework.airflow import load_dag

load_dag("{name}", globals())
'''


@dataclass(frozen=True)
class Airflow:
    """Scripts that import Airflow, each in a process with a home of its own."""

    home: Path

    def script(
        self, code: str, *arguments: str, env: dict[str, str] | None = None, fails: bool = False
    ) -> Any:
        """What a script prints last, which is JSON; of one that fails its standard error."""
        settings = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONWARNINGS": "ignore",
        }
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False,
            env={**os.environ, **settings, **(env or {})}, timeout=120,
        )  # fmt: skip
        if fails:
            assert done.returncode, done.stdout
            return done.stderr
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    return Airflow(tmp_path_factory.mktemp("airflow"))


def write_stubs(folder: Folder, names: Sequence[str]) -> None:
    """A DAG file for each pipeline."""
    for name in names:
        folder.write(f"dags/{name}.py", STUB.format(name=name))


@pytest.fixture
def with_dags(orders: Folder) -> Folder:
    """A small project with its DAG file."""
    write_stubs(orders, ["orders"])
    return orders
