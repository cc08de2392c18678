"""A few of the faults of `make chaos`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.chaos.__main__ import differences
from tests.chaos.faults import (
    after_step,
    at_byte,
    at_once,
    at_request,
    at_statement,
    machine_gone,
    rivals,
    twice,
)
from tests.chaos.lab import laboratory
from tests.thorough import amount

FAULTS = [
    at_statement("duckdb", 31, "answer lost"),
    at_statement("redshift", 30, "conflict"),
    at_request("duckdb", 20, "killed"),
    at_request("redshift", 10, "503"),
    at_byte("duckdb", 3_000, "rds"),
    at_once("duckdb"),
    after_step("redshift", 4),
    machine_gone("duckdb", 2),
    rivals("redshift"),
    twice("redshift"),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_a_fault_leaves_is_mended_by_a_rerun() -> None:
    with tempfile.TemporaryDirectory(prefix="etl-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with laboratory(folder, "snapshot") as lab:
            faults = FAULTS[:: amount(3, 1)]
            found = {f"{f.engine}, {f.name}": differences(lab, f) for f in faults}

    assert found == dict.fromkeys(found, (True, []))
