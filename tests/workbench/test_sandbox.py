"""Relations made from rows at hand: once, in their order, with errors that name them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from etl_framework.errors import StepError
from etl_framework.project.models import Kpi, Transform
from etl_framework.workbench.sandbox import Definition, Sandbox

TRANSFORM = Transform.model_validate({"sql": "t.sql"})
KPI = Kpi.model_validate(
    {
        "sql": "k.sql",
        "target": {"connection": "w", "table": "k"},
        "columns": [{"name": "name", "type": "varchar(3)"}, {"name": "n", "type": "bigint"}],
    }
)
DEFINITIONS = {
    "clean": Definition(("raw",), "SELECT * FROM raw WHERE n > 0", TRANSFORM),
    "kept": Definition(
        ("clean",),
        "SELECT * FROM clean",
        TRANSFORM,
        rules=("n NOT IN (SELECT n FROM allowed)",),
        compared=("allowed",),
    ),
    "k": Definition(("kept",), "SELECT name, sum(n) AS n FROM kept GROUP BY name", KPI),
}
GIVEN = {
    "raw": "SELECT * FROM (VALUES ('a', 1), ('a', 2), ('b', -1), ('c', 9)) AS v (name, n)",
    "allowed": "SELECT unnest([1, 2]) AS n",
}


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.mark.parametrize("schema", [None, "now"], ids=["temporary", "in a schema of its own"])
def test_a_relation_and_all_that_it_reads(
    session: duckdb.DuckDBPyConnection, schema: str | None, tmp_path: Path
) -> None:
    """Rows that a rule takes out are not there for those that read the relation."""
    if schema:
        session.execute(f"CREATE SCHEMA {schema}")
    sandbox = Sandbox(session, DEFINITIONS, GIVEN.get, tmp_path, schema)

    sandbox.make("k")

    assert session.execute(f"FROM {sandbox.table('k')}").fetchall() == [("a", 3)]


def test_what_is_at_hand_is_not_computed(
    session: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    asked = []

    def rows(name: str) -> str | None:
        asked.append(name)
        return "SELECT 'x' AS name, 7 AS n" if name == "kept" else None

    sandbox = Sandbox(session, DEFINITIONS, rows, tmp_path)
    sandbox.make("k")
    sandbox.make("k")

    assert session.execute("FROM k").fetchall() == [("x", 7)]
    assert asked == ["k", "kept"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        pytest.param(
            "SELECT 'long' AS name, 1 AS n", "k.name is longer than varchar(3) at the base",
            id="ours, which names the relation itself",
        ),
        pytest.param(
            "SELECT 'x' AS name, 'many' AS n", "k at the base: Conversion Error: Could not convert",
            id="DuckDB's",
        ),
    ],
)  # fmt: skip
def test_an_error_names_its_relation(
    session: duckdb.DuckDBPyConnection, tmp_path: Path, rows: str, says: str
) -> None:
    definitions = {"k": Definition(("kept",), "SELECT * FROM kept", KPI)}
    sandbox = Sandbox(session, definitions, {"kept": rows}.get, tmp_path, note=" at the base")

    with pytest.raises(StepError) as error:
        sandbox.make("k")

    assert error.value.diagnostics[0].message.startswith(says)
