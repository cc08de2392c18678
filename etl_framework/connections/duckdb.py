"""A DuckDB file, the warehouse on a laptop."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from etl_framework.connections.base import Connection, inside
from etl_framework.connections.lookup import resolve


class DuckDB(Connection):
    """A DuckDB database in one file."""

    type: Literal["duckdb"]
    path: str = Field(
        examples=[".etl/warehouse.duckdb"], description="The file, from the project's root."
    )

    def file(self, root: Path) -> Path:
        """Return the path of the database file."""
        return inside(root, resolve(self.path, setting="path"))

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        return "file", f"{self.file(root)}/{what}"
