"""An environment that is open: variables, connections, and where staging lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.connections.duckdb import DuckDB
from etl_framework.errors import ConfigError
from etl_framework.project.environments import Environment
from etl_framework.project.project import load_project
from etl_framework.project.workspace import Workspace
from tests.conftest import Folder

DUCKDB = {"warehouse": {"type": "duckdb", "path": "w.duckdb"}}


def opened(root: Path, **settings: object) -> Workspace:
    return Workspace(root, Environment.model_validate({"connections": DUCKDB, **settings}))


@pytest.mark.parametrize(
    ("staging", "folder"),
    [
        pytest.param(".etl/staging", ".etl/staging", id="below the project"),
        pytest.param("{{ env.ETL_TEST_STAGING }}", "elsewhere", id="a variable with a folder"),
        pytest.param("{{ env.ETL_TEST_STAGING }}/more", "elsewhere/more", id="below a variable"),
    ],
)
def test_a_folder_as_staging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, staging: str, folder: str
) -> None:
    monkeypatch.setenv("ETL_TEST_STAGING", "elsewhere")

    workspace = opened(tmp_path, staging=staging)

    assert workspace.staging.path == tmp_path / folder
    assert workspace.staging.remote is None
    assert workspace.staging_prefix() is None


def test_a_variable_that_names_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_TEST_STAGING", "s3://lake/staging")

    staging = opened(tmp_path, staging="{{ env.ETL_TEST_STAGING }}").staging

    assert staging.path == tmp_path / ".etl/work"
    assert staging.remote is not None
    assert staging.remote.uri("x") == "s3://lake/staging/x"


def test_a_run_whose_staging_is_a_folder_by_a_variable(
    orders: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_TEST_STAGING", str(orders.root / "scratch"))
    file = orders.root / "environments.yml"
    text = file.read_text()
    file.write_text(
        text.replace("local:\n", 'local:\n    staging: "{{ env.ETL_TEST_STAGING }}"\n', 1)
    )

    orders.run("orders")

    assert orders.query("SELECT sum(orders) FROM totals") == [(3,)]
    assert list((orders.root / "scratch/orders").glob("*/extract.orders/result.json"))


def test_relative_staging_stays_in_the_project(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="leads out of"):
        _ = opened(tmp_path, staging="../elsewhere").staging


def test_opening_sets_the_variables_of_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_TEST_SET", "already")
    monkeypatch.setenv("ETL_TEST_FILE", "")  # so that it is taken back at the end
    monkeypatch.delenv("ETL_TEST_FILE")
    (tmp_path / "vars").write_text("# a comment\nETL_TEST_SET=other\nETL_TEST_FILE=there\n")

    workspace = opened(tmp_path, env_file="vars", staging="{{ env.ETL_TEST_FILE }}")

    assert workspace.staging.path == tmp_path / "there"
    assert opened(tmp_path, staging="{{ env.ETL_TEST_SET }}").staging.path == (tmp_path / "already")


def test_an_env_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="vars"):
        opened(tmp_path, env_file="vars")


def test_a_connection_by_its_name(tmp_path: Path) -> None:
    workspace = opened(tmp_path)

    assert isinstance(workspace.connection("warehouse"), DuckDB)
    with pytest.raises(ConfigError, match="there is no connection 'warehuose'") as error:
        workspace.connection("warehuose")
    assert error.value.diagnostics[0].hint == "did you mean 'warehouse'?"


def test_the_ledger_before_anything_was_published(tmp_path: Path) -> None:
    workspace = opened(tmp_path)

    assert workspace.ledger_rows("warehouse", ["pipeline"], "pipeline = ?", ("p",)) == []


def test_a_project_opens_its_default(orders: Folder) -> None:
    workspace = load_project(orders.root).workspace(None)

    assert workspace.root == orders.root
    assert "warehouse" in workspace.environment.connections
