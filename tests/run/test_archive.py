"""`archive`: files are moved after the commit, and the interval can be run again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etl_framework.connections.directory import Directory
from etl_framework.devstack.stack import Stack
from etl_framework.errors import DataMissingError, StepError
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


@pytest.fixture
def export(archiving: Folder) -> Folder:
    """A pipeline that reads one file, which every day replaces."""
    file = archiving.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("orders/*.csv", "inbox/export.csv"))
    return archiving


def deliver(folder: Folder, day: int, rows: int = 1) -> None:
    """Put the export of a day into the inbox; customers have the day's number."""
    lines = [f"{number},day{day},1.00,2024-06-{day} 08:00:00" for number in range(rows)]
    text = "\n".join(["order_id,customer,amount,ordered_at", *lines, ""])
    folder.write("lake/inbox/export.csv", text)


def contents(folder: Folder) -> list[str]:
    """Which day's export each file of the archive is."""
    archive = [name for name in files(folder) if name.startswith("processed/")]
    return sorted((folder.root / "lake" / name).read_text().split(",")[4] for name in archive)


@pytest.mark.parametrize("rows", [1, 2], ids=["of the same size", "of another size"])
def test_a_second_file_of_one_name_leaves_the_first(export: Folder, rows: int) -> None:
    for day in (25, 26, 27):
        deliver(export, day, rows if day == 26 else 1)
        export.run("orders", f"2024-06-{day}")

    assert contents(export) == ["day25", "day26", "day27"]
    assert "processed/inbox/export.csv" in files(export)
    assert "inbox/export.csv" not in files(export)
    for day in (25, 26, 27, 25):
        again = export.run("orders", f"2024-06-{day}", fresh=True)
        assert again["extract.orders"].state == "done"
        assert [row[0] for row in totals(export)] == [f"day{day}"]
    assert contents(export) == ["day25", "day26", "day27"]


def test_a_rerun_of_a_day_does_not_take_the_file_of_the_next(export: Folder) -> None:
    deliver(export, 25)
    export.run("orders", "2024-06-25")
    deliver(export, 26)

    export.run("orders", "2024-06-25", fresh=True)
    assert totals(export) == [("day25", 1)]
    assert "inbox/export.csv" in files(export)
    export.run("orders", "2024-06-26")
    assert totals(export) == [("day26", 1)]
    assert contents(export) == ["day25", "day26"]


@pytest.mark.parametrize("harm", ["gone", "another file"])
def test_a_file_that_is_gone_from_the_archive_is_told(export: Folder, harm: str) -> None:
    deliver(export, 25)
    export.run("orders", "2024-06-25")
    file = export.root / "lake/processed/inbox/export.csv"
    file.unlink()
    if harm == "another file":
        deliver(export, 26)
        (export.root / "lake/inbox/export.csv").rename(file)

    assert export.run("orders", "2024-06-25")["extract.orders"].state == "reused"
    with pytest.raises(DataMissingError, match="of this data interval is gone") as error:
        export.run("orders", "2024-06-25", fresh=True)

    assert "'processed/inbox/export.csv', where it was archived, is " in str(error.value)
    assert totals(export) == [("day25", 1)]


def test_a_file_that_was_replaced_before_it_was_moved_is_told(
    export: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next day's file came between the reading and the move."""
    deliver(export, 25)
    real = publish.archive
    with monkeypatch.context() as patched:
        patched.setattr(publish, "archive", lambda work: deliver(export, 26, 3) or real(work))
        export.run("orders", "2024-06-25")
    export.run("orders", "2024-06-26")
    assert totals(export) == [("day26", 3)]

    with pytest.raises(DataMissingError, match="of this data interval is gone"):
        export.run("orders", "2024-06-25", fresh=True)
    assert contents(export) == ["day26"]


def test_a_new_delivery_of_a_day_is_read_where_the_path_has_the_day(archiving: Folder) -> None:
    file = archiving.root / "pipelines/orders.yml"
    text = file.read_text().replace("orders/*.csv", '"inbox/{{ interval.date }}/export.csv"')
    file.write_text(text)
    for rows in (1, 2, 3):
        deliver(archiving, 25, rows)
        place = archiving.root / "lake/inbox/2024-06-25"
        place.mkdir(exist_ok=True)
        (archiving.root / "lake/inbox/export.csv").rename(place / "export.csv")
        for _ in range(2):
            archiving.run("orders", fresh=True)
            assert totals(archiving) == [("day25", rows)]

    assert contents(archiving) == ["day25"] * 3


def test_the_same_file_that_comes_again_gets_a_place_of_its_own(export: Folder) -> None:
    deliver(export, 25)
    moment = 1_719_300_000_000_000_000
    for _ in range(2):
        os.utime(export.root / "lake/inbox/export.csv", ns=(moment, moment))
        export.run("orders", "2024-06-25", fresh=True)
        deliver(export, 25)
    os.utime(export.root / "lake/inbox/export.csv", ns=(moment, moment))
    export.run("orders", "2024-06-25", fresh=True)

    assert contents(export) == ["day25"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_files_of_one_name_in_s3(export: Folder, stack: Stack, engine: str) -> None:
    in_the_cluster(export, engine)
    place = bucket()
    for day in (25, 26):
        deliver(export, day)
        place.upload(export.root / "lake/inbox/export.csv", "inbox/export.csv")
        export.run("orders", f"2024-06-{day}")
    deliver(export, 27)
    place.upload(export.root / "lake/inbox/export.csv", "inbox/export.csv")

    for day in (25, 26, 25):
        export.run("orders", f"2024-06-{day}", fresh=True)
        assert stack.cluster
        with stack.cluster._backend() as session:
            assert list(session.ask("SELECT customer FROM totals")) == [[f"day{day}"]]
    names = [found.name for found in place.listed() if found.name.endswith(".csv")]
    assert len(names) == 3 and "inbox/export.csv" in names
    place.write("processed/inbox/export.csv", b"another")
    with pytest.raises(DataMissingError, match="is another file by now"):
        export.run("orders", "2024-06-25", fresh=True)


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
