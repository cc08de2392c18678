"""Warehouses to load into: a DuckDB file, a real PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.targets.places import Place


@pytest.fixture(params=["duckdb", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty warehouse of each kind."""
    where = "warehouse.duckdb"
    if request.param == "postgres":
        where = str(request.getfixturevalue("postgres"))
    return Place(request.param, where, tmp_path)
