"""Read one source through a real run, and look at what it kept and what it rejected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from etl_framework.project.project import load_project
from etl_framework.run.run import Run
from etl_framework.run.show import rows_of
from tests.conftest import Folder

HEADER = "order_id,customer,amount,ordered_at\n"
GOOD = "1,ada,10.50,2024-06-25 08:00:00\n"
COLUMNS = (
    "order_id integer",
    "customer varchar(20)",
    "amount decimal(10,2)",
    "ordered_at timestamp",
)


@dataclass(frozen=True)
class Rejected:
    """One rejected row, as `etl show quarantine.x` shows it."""

    file: str
    line: int
    column: int
    name: str
    reason: str
    row: str


@dataclass(frozen=True)
class Reading:
    """What a source gave."""

    read: int
    kept: list[tuple[Any, ...]]
    rejected: list[Rejected]


def declare(columns: tuple[str, ...]) -> str:
    """Columns as a pipeline's file declares them, each given as `name type; more keys`."""
    declared = []
    for column in columns:
        first, _, more = column.partition("; ")
        name, type_ = first.split(" ", 1)
        declared.append(f'      - {{name: "{name}", type: "{type_}"{more and ", " + more}}}\n')
    return "".join(declared)


def read(folder: Folder, pipeline: str, source: str, day: str = "2024-06-25") -> Reading:
    """Run a source's step and look at what it left; every row is accounted for."""
    run = Run(folder.plan(pipeline, day))
    counts = run.one_step(f"extract.{source}").counts
    files = run.folder.step(f"extract.{source}").files("data")
    with duckdb.connect() as session:
        session.execute("SET TimeZone = 'UTC'; SET threads = 1")
        kept = session.execute(f"SELECT * FROM read_parquet({files})").fetchall()
    _, found = rows_of(load_project(folder.root), None, f"quarantine.{source}", None, 0)
    rejected = [Rejected(*row[4:8], *row[9:11]) for row in found if row[0] == run.folder.path.name]
    assert counts == {
        "read": len(kept) + len(rejected), "kept": len(kept), "rejected": len(rejected),
    }  # fmt: skip
    return Reading(counts["read"], kept, rejected)


ReadCsv = Callable[..., Reading]


@pytest.fixture
def read_csv(folder: Folder) -> ReadCsv:
    """Read files of the lake's folder `orders/`: `read_csv({"1.csv": "..."})`."""

    def reading(
        files: dict[str, str | bytes],
        columns: tuple[str, ...] = COLUMNS,
        options: str = "max_rejected: '100%'",
        path: str = "orders/*",
        day: str = "2024-06-25",
    ) -> Reading:
        for name, content in files.items():
            file = folder.root / "lake/orders" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        folder.write(
            "pipelines/orders.yml",
            f"name: orders\nschedule: '@daily'\nsources:\n  orders:\n    type: csv\n"
            f"    connection: lake\n    path: '{path}'\n    {options}\n"
            f"    columns:\n{declare(columns)}",
        )
        return read(folder, "orders", "orders", day)

    return reading
