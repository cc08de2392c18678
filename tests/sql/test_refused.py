"""One meaning: lint refuses what has none on both engines, and nothing of what has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from etl_framework.errors import Diagnostic
from etl_framework.sql.functions import KNOWN
from etl_framework.sql.parser import words
from tests.conftest import REPOSITORY
from tests.lint.test_pages import linted

CASES = REPOSITORY / "tests/cases"
DIALECT = yaml.safe_load((CASES / "dialect.yml").read_text(encoding="utf-8"))
REFUSED = yaml.safe_load((CASES / "dialect_refused.yml").read_text(encoding="utf-8"))["refused"]
ENVIRONMENTS = """
default: local
environments:
  local:
    staging: .etl/staging
    connections:
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
"""
Told = Mapping[str, list[Diagnostic]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The errors that lint finds in a project of all queries, by the SQL."""
    root = tmp_path_factory.mktemp("dialect")
    columns = [{"name": n, "type": t} for n, t in DIALECT["columns"].items()]
    plays = {"type": "csv", "connection": "lake", "path": "plays/*.csv", "columns": columns}
    queries = [each["sql"] for each in (*DIALECT["features"], *REFUSED)]
    transforms = {f"q{index}": {"sql": f"q{index}.sql"} for index in range(len(queries))}
    pipeline = {
        "name": "all",
        "schedule": "@daily",
        "sources": {DIALECT["table"]: plays},
        "transforms": transforms,
    }
    (root / "pipelines").mkdir()
    (root / "sql_templates").mkdir()
    (root / "environments.yml").write_text(ENVIRONMENTS, encoding="utf-8")
    (root / "pipelines/all.yml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    for index, sql in enumerate(queries):
        # Jinja must not read braces of SQL
        text = "{% raw %}" + sql + "{% endraw %}"
        (root / f"sql_templates/q{index}.sql").write_text(text, encoding="utf-8")
    errors = [each for each in linted(root) if each.severity == "error"]
    found: dict[str, list[Diagnostic]] = {sql: [] for sql in queries}
    for error in errors:
        index = int(error.path.rpartition("/q")[2].removesuffix(".sql"))
        found[queries[index]].append(error)
    return found


@pytest.mark.parametrize("case", REFUSED, ids=[each["name"] for each in REFUSED])
def test_lint_refuses(told: Told, case: dict[str, Any]) -> None:
    errors = told[case["sql"]]

    assert any(
        error.code == case["code"]
        and case.get("says", "") in error.message
        and case.get("hint", "") in (error.hint or "")
        for error in errors
    ), errors


def test_lint_finds_nothing_in_what_redshift_runs(told: Told) -> None:
    features = {each["sql"] for each in DIALECT["features"]}

    refused = {sql: [str(error) for error in found] for sql, found in told.items() if found}
    assert {sql: errors for sql, errors in refused.items() if sql in features} == {}


def test_every_function_of_redshift_is_in_one_of_the_tables() -> None:
    queries = [each["sql"] for each in (*DIALECT["features"], *REFUSED)]
    called = {token.text.lower() for sql in queries for token in words(sql)}

    assert KNOWN - called == set()
