"""Outputs of finished steps are proved before they are used again; what is broken is made again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.errors import BrokenStateError
from etl_framework.run.run import Run
from etl_framework.storage.outcome import Outcome
from etl_framework.storage.staging import Staging
from etl_framework.storage.step_folder import StepFolder
from tests.conftest import Folder, bucket, in_the_cluster

TOTALS = [("ada", 2), ("bob", 1)]
DAY = ("--date", "2024-06-25")
CHECK = "{type: accepted_range, column: amount, min: 6, on_fail: quarantine}"
CHECKED = "kpis:", f"    checks:\n      - {CHECK}\nkpis:"
Harm = Callable[[Path], object]


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


HARMS: dict[str, Harm] = {
    "a flipped byte": flip,
    "half of it": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "nothing": lambda file: file.write_bytes(b""),
    "no file": lambda file: file.unlink(),
}
every_harm = pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())


def totals(folder: Folder) -> list[tuple[str, int]]:
    return folder.query("SELECT customer, orders FROM totals ORDER BY 1")


def staged(folder: Folder, step: str, pattern: str = "**/*.parquet") -> list[Path]:
    return sorted((folder.root / ".etl/staging").glob(f"*/*/{step}/{pattern}"))


@every_harm
def test_rows_that_are_broken_are_read_again(orders: Folder, harm: Harm) -> None:
    orders.run("orders")
    (file,) = staged(orders, "extract.orders")
    harm(file)

    again = orders.run("orders")

    extracted = again["extract.orders"]
    assert (extracted.state, extracted.note[:20]) == ("done", "made again, because ")
    assert "data/1.parquet" in extracted.note
    assert again["kpi.totals"].state == "reused"
    assert totals(orders) == TOTALS
    assert orders.run("orders")["extract.orders"].state == "reused"


@every_harm
def test_every_file_of_every_step(orders: Folder, harm: Harm) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace(*CHECKED))
    orders.write("lake/orders/2.csv", "order_id,customer,amount,ordered_at\nfour,eve,7.00,\n")
    orders.run("orders")
    for step in ("extract.orders", "check.orders", "kpi.totals"):
        for number in range(len(staged(orders, step, "**/*.*"))):
            place = staged(orders, step, "**/*.*")[number]
            harm(place)
            again = orders.run("orders")[step]

            # A step without a result is one that was killed: that is no line worth.
            killed = place.name == "result.json" and harm is HARMS["no file"]
            assert (again.state, again.note == "") == ("done", killed), place
            assert totals(orders) == [("ada", 1), ("bob", 1)]


def test_the_command_says_so_in_one_line(orders: Folder) -> None:
    assert orders.etl("run", "orders", *DAY).returncode == 0
    flip(staged(orders, "kpi.totals")[0])

    again = orders.etl("run", "orders", *DAY)

    assert again.returncode == 0
    (line,) = [line for line in again.stderr.splitlines() if "made again" in line]
    assert line.startswith("✓ kpi.totals")
    assert "made again, because data/0.parquet has other bytes" in line
    assert "= extract.orders" in again.stderr


def test_a_single_step_refuses_broken_rows_and_says_what_to_do(orders: Folder) -> None:
    """As in Airflow, where each step is a process of its own."""
    orders.run("orders")
    flip(staged(orders, "extract.orders")[0])
    sql = orders.root / "sql_templates/orders/totals.sql"
    sql.write_text(sql.read_text() + "HAVING COUNT(*) > 0\n")

    with pytest.raises(BrokenStateError, match="has other bytes") as error:
        Run(orders.plan("orders")).one_step("kpi.totals")

    assert "what is broken is made again" in str(error.value)
    assert Run(orders.plan("orders")).one_step("extract.orders").note
    assert Run(orders.plan("orders")).one_step("kpi.totals").state == "done"


def test_what_this_process_wrote_is_not_read_again_to_prove_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Staging(tmp_path).run("p", "day")
    run.step("extract.x").begin()
    (run.step("extract.x").part("data") / "0.parquet").write_bytes(b"rows")
    run.step("extract.x").finish(Outcome())
    monkeypatch.setattr("etl_framework.storage.step_folder.difference", pytest.fail)

    assert run.step("extract.x").fetch().files("data")


@pytest.fixture
def in_s3(orders: Folder, stack: Stack) -> Folder:
    """The small project with its staging and its files in S3, and nothing on this machine."""
    in_the_cluster(orders, "duckdb")
    bucket().upload(orders.root / "lake/orders/1.csv", "orders/1.csv")
    orders.run("orders")
    return orders


def objects(step: str, ending: str) -> list[str]:
    names = (stored.name for stored in bucket().listed("stagingData/"))
    return [name for name in names if f"/{step}/" in name and name.endswith(ending)]


def in_the_warehouse(stack: Stack) -> list[tuple[object, ...]]:
    assert stack.cluster
    with stack.cluster._backend() as session:
        return [tuple(row) for row in session.ask("SELECT customer, orders FROM totals ORDER BY 1")]


@pytest.mark.slow
@pytest.mark.parametrize("new_machine", [False, True], ids=["same machine", "another machine"])
@every_harm
def test_in_s3(
    in_s3: Folder,
    stack: Stack,
    harm: Harm,
    new_machine: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    before = in_the_warehouse(stack)
    file = tmp_path_factory.mktemp("object") / "object"
    for step in ("extract.orders", "kpi.totals"):
        (key,) = objects(step, ".parquet")
        file.write_bytes(bucket().read(key) or b"")
        harm(file)
        bucket().write(key, file.read_bytes()) if file.exists() else bucket().delete([key])
        if new_machine:
            (in_s3.root / ".etl").rename(in_s3.root / f".gone-{step}")

        again = in_s3.run("orders")

        assert again[step].note.startswith("made again, because data/"), again[step]
        assert in_the_warehouse(stack) == before
    assert {result.note for result in in_s3.run("orders").values()} == {""}


@pytest.mark.slow
@every_harm
def test_the_copy_on_this_machine(in_s3: Folder, stack: Stack, harm: Harm) -> None:
    """What is whole in S3 is downloaded again, when a step needs it."""
    before = in_the_warehouse(stack)
    (file,) = sorted((in_s3.root / ".etl").glob("**/extract.orders/data/*.parquet"))
    harm(file)
    sql = in_s3.root / "sql_templates/orders/totals.sql"
    sql.write_text(sql.read_text() + "HAVING COUNT(*) > 0\n")

    again = in_s3.run("orders")

    assert (again["extract.orders"].state, again["kpi.totals"].state) == ("reused", "done")
    assert in_the_warehouse(stack) == before


def test_a_folder_without_a_result_is_not_broken(tmp_path: Path) -> None:
    folder = StepFolder(tmp_path / "extract.x")
    folder.begin()

    assert (folder.broken(), folder.outcome(), folder.bring("rejected")) == ("", None, [])
