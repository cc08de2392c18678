"""A sample of `make bench-meaning`: queries of TPC-DS and TPC-H as KPIs, against plain DuckDB."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import REPOSITORY

BENCHMARK = REPOSITORY / "benchmarks/meaning"
NOT_HERE = 2
# ROLLUP and RANK over it, INTERSECT, FULL JOIN of running sums, means and quotients of all kinds.
SAMPLE = {
    "tpch q01": "differs: mean",
    "tpch q13": "equal",
    "tpcds q14": "equal",
    "tpcds q18": "differs: mean",
    "tpcds q22": "differs: from whole means",
    "tpcds q36": "differs: quotient",
    "tpcds q51": "equal",
    "tpcds q66": "differs: from quotients",
    "tpcds q75": "equal",
    "tpcds q78": "equal",
}


@pytest.mark.slow
def test_queries_give_what_they_give_on_duckdb_or_differ_for_a_known_reason(tmp_path: Path) -> None:
    queries = [name.replace(" ", ".") for name in SAMPLE]
    command = [sys.executable, str(BENCHMARK), "--scale", "0.01", "--folder", str(tmp_path)]
    done = subprocess.run(
        [*command, "--only", *queries], capture_output=True, text=True, check=False
    )
    if done.returncode == NOT_HERE:
        pytest.skip("the generators of TPC-H and TPC-DS cannot be installed here")

    lines = done.stdout.splitlines()[1:-1]
    results = {line[:12].strip(): line.rpartition("  ")[2] for line in lines}
    assert results == SAMPLE, done.stdout + done.stderr
    assert done.returncode == 0


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARK))
    module = import_module("rows")
    yield module
    del sys.modules["rows"]


@pytest.mark.parametrize(
    ("type_", "value", "wanted", "verdict"),
    [
        pytest.param("DECIMAL(38,2)", Decimal("2.66"), 2.666666, "cut", id="cut off"),
        pytest.param("DECIMAL(38,2)", Decimal("-2.66"), -2.666666, "cut", id="a negative one"),
        pytest.param("BIGINT", 2, 2.666666, "whole", id="a whole mean"),
        pytest.param("DECIMAL(38,2)", Decimal("2.60"), 2.6, "", id="nothing to cut"),
        pytest.param("DECIMAL(38,2)", Decimal("2.67"), 2.666666, "wrong", id="rounded"),
        pytest.param("DECIMAL(38,2)", Decimal("2.65"), 2.666666, "wrong", id="a unit less"),
        pytest.param("DECIMAL(38,2)", None, 2.666666, "wrong", id="no value"),
        pytest.param("DOUBLE", 2.66, 2.666666, "wrong", id="another double"),
        pytest.param("VARCHAR", "a", "b", "wrong", id="another text"),
    ],
)
def test_a_value_is_that_of_the_reference_cut_off_or_is_wrong(
    rows: ModuleType, type_: str, value: Any, wanted: Any, verdict: str
) -> None:
    reference = "DOUBLE" if isinstance(wanted, float) else type_
    ours = rows.Rows([("k", "INTEGER"), ("v", type_)], [(2, value), (1, value)])
    theirs = rows.Rows([("k", "INTEGER"), ("v", reference)], [(1, wanted), (2, wanted)])

    found = rows.compare(ours, theirs)

    assert ("wrong" if found.wrong else found.columns.get("v", "")) == verdict


def test_a_row_too_many_is_wrong(rows: ModuleType) -> None:
    columns = [("k", "INTEGER")]

    found = rows.compare(rows.Rows(columns, [(1,), (1,)]), rows.Rows(columns, [(1,)]))

    assert found.wrong == "2 rows, not 1"
