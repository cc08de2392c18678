"""Checks run by the real step, on a relation of real rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from etl_framework.run.run import StepResult
from etl_framework.storage.outcome import CheckResult
from tests.conftest import Folder, bucket, in_the_cluster

Checked = Callable[..., StepResult]
COLUMNS = {"k": "integer", "v": "integer", "w": "varchar(20)", "m": "timestamp"}


def _into(folder: Folder) -> Callable[[str, bytes], object]:
    return lambda name, data: (folder.root / "lake" / name).write_bytes(data)


def only(result: StepResult) -> CheckResult:
    """The result of the one check."""
    (found,) = result.checks
    return found


@pytest.fixture(params=["duckdb", pytest.param("redshift", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, folder: Folder) -> str:
    """Where checks run: in this process, or in the stand-in of a cluster."""
    if request.param == "redshift":
        request.getfixturevalue("stack")
        in_the_cluster(folder)
    return str(request.param)


@pytest.fixture
def checked(folder: Folder, engine: str) -> Checked:
    """Check rows of k, v, w, m: `checked([{"type": "unique", ...}], "1,2,x,\\n")`.

    The relation `parents` holds k = 1, 2 and an empty one.
    """
    put = bucket().write if engine == "redshift" else _into(folder)
    put("parents.csv", b"k,v\n1,\n2,\n,\n")

    def run(
        checks: list[dict[str, Any]], rows: str, columns: dict[str, dict[str, Any]] | None = None
    ) -> StepResult:
        put("t.csv", f"k,v,w,m\n{rows}".encode())
        declared = [
            {"name": name, "type": type_, **(columns or {}).get(name, {})}
            for name, type_ in COLUMNS.items()
        ]
        source = {"type": "csv", "connection": "lake", "max_rejected": "100%"}
        parents = [{"name": "k", "type": "integer"}, {"name": "v", "type": "integer"}]
        sources = {
            "t": {**source, "path": "t.csv", "columns": declared, "checks": checks},
            "parents": {**source, "path": "parents.csv", "columns": parents},
        }
        pipeline = {"name": "p", "schedule": "@daily", "sources": sources}
        folder.write("pipelines/p.yml", yaml.safe_dump(pipeline, sort_keys=False))
        return folder.run("p", fresh=True)["check.t"]

    return run
