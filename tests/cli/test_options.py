"""Where the project is, and which environment is meant, if no option says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Etl
from tests.conftest import Folder


def test_from_a_folder_within_the_project(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(orders.root / "sql_templates/orders")
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0
    assert (orders.root / ".etl/warehouse.duckdb").is_file()
    shown = etl("lint", "totals.sql")
    assert shown.returncode == 0, shown.stderr


def test_the_nearest_one(orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with files of other tools is no project."""
    within = orders.root / "lake/deep"
    (within / "pipelines").mkdir(parents=True)
    monkeypatch.chdir(within)
    assert "orders" in etl("plan", "orders", "--no-sql").stdout


def test_by_variables(
    orders: Folder,
    etl: Etl,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = orders.root / "environments.yml"
    local = file.read_text().partition("  local:\n")[2]
    file.write_text(file.read_text() + "  other:\n" + local)
    elsewhere: Path = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert etl("plan", "orders").returncode == 2
    monkeypatch.setenv("ETL_PROJECT", str(orders.root))
    monkeypatch.setenv("ETL_ENV", "other")
    assert etl("plan", "orders").stdout.startswith("orders in other, ")
    assert etl("plan", "orders", "--env", "local").stdout.startswith("orders in local, ")
    monkeypatch.setenv("ETL_ENV", "otter")
    told = etl("plan", "orders")
    assert (told.returncode, "did you mean 'other'?" in told.stderr) == (2, True)
    monkeypatch.setenv("ETL_PROJECT", str(elsewhere / "nowhere"))
    told = etl("plan", "orders")
    assert (told.returncode, "nowhere" in told.stderr) == (2, True)
