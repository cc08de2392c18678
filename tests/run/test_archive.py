"""`archive`: files are moved after the commit, and the interval can be run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.connections.directory import Directory
from etl_framework.errors import StepError
from etl_framework.run import publish
from tests.conftest import ORDERS, Folder, bucket, in_the_cluster

TOTALS = [("ada", 2), ("bob", 1)]
LATE = "order_id,customer,amount,ordered_at\n9,eve,1.00,2024-06-25 10:00:00\n"


@pytest.fixture
def archiving(orders: Folder) -> Folder:
    text = ORDERS.replace("path: orders/*.csv", "path: orders/*.csv\n    archive: processed/")
    orders.write("pipelines/orders.yml", text)
    return orders


def totals(folder: Folder) -> list[tuple[str, int]]:
    return folder.query("SELECT customer, orders FROM totals ORDER BY 1")


def files(folder: Folder) -> list[str]:
    lake = folder.root / "lake"
    return sorted(str(path.relative_to(lake)) for path in lake.rglob("*") if path.is_file())


def test_files_are_moved_once_they_are_published_and_the_interval_still_has_them(
    archiving: Folder,
) -> None:
    archiving.run("orders")
    assert files(archiving) == ["processed/orders/1.csv"]

    again = archiving.run("orders")
    assert again["extract.orders"].state == "reused"
    assert archiving.run("orders", fresh=True)["extract.orders"].counts["kept"] == 3
    assert totals(archiving) == TOTALS


def test_a_failed_run_moves_nothing(archiving: Folder) -> None:
    (archiving.root / "lake/orders/1.csv").write_text("order_id,customer,amount,ordered_at\nx,,,\n")

    with pytest.raises(StepError):
        archiving.run("orders")

    assert files(archiving) == ["orders/1.csv"]


def test_a_file_that_came_meanwhile_stays(
    archiving: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = publish.archive
    monkeypatch.setattr(
        publish, "archive", lambda work: archiving.write("lake/orders/2.csv", LATE) and real(work)
    )
    archiving.run("orders")

    assert files(archiving) == ["orders/2.csv", "processed/orders/1.csv"]


def test_a_crash_while_files_are_moved_is_mended_by_the_next_run(
    archiving: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    archiving.write("lake/orders/2.csv", LATE)
    real = Directory.move

    def half(self: Directory, root: Path, moves: list[tuple[str, str, str]]) -> None:
        real(self, root, moves[:1])
        raise StepError("the machine is gone")

    with monkeypatch.context() as broken:
        broken.setattr(Directory, "move", half)
        with pytest.raises(StepError, match="gone"):
            archiving.run("orders")
    assert files(archiving) == ["orders/2.csv", "processed/orders/1.csv"]

    again = archiving.run("orders")
    assert again["extract.orders"].state == "reused"
    assert files(archiving) == ["processed/orders/1.csv", "processed/orders/2.csv"]
    assert totals(archiving) == [*TOTALS, ("eve", 1)]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_in_s3(archiving: Folder, stack: object, engine: str) -> None:
    place = bucket()
    for file in ("orders/1.csv",):
        place.upload(archiving.root / "lake" / file, file)
    in_the_cluster(archiving, engine)

    first = archiving.run("orders")
    names = [found.name for found in place.listed() if found.name.endswith(".csv")]
    assert names == ["processed/orders/1.csv"]
    again = archiving.run("orders", fresh=True)

    assert first["extract.orders"].counts == again["extract.orders"].counts
    assert again["extract.orders"].counts["kept"] == 3
