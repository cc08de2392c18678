"""Warehouses to load into: a DuckDB file, a PostgreSQL database, the stand-in of Redshift."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.targets.places import Place


@pytest.fixture(params=["duckdb", "postgres", "redshift"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty warehouse of each kind."""
    where = "warehouse.duckdb"
    if request.param == "postgres":
        where = str(request.getfixturevalue("postgres"))
    if request.param == "redshift":
        request.getfixturevalue("stack")
    return Place(request.param, where, tmp_path)
