"""A broken file of ours is made again, or named with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl_framework.airflow import compiled
from etl_framework.devstack.stack import Stack
from etl_framework.errors import BrokenStateError, ConfigError
from etl_framework.lint.baseline import read_baseline
from etl_framework.lint.cache import FILE
from etl_framework.lint.linter import Linter
from etl_framework.mwaa.bundle.manifest import read_manifest
from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Selection
from etl_framework.storage.decisions import Decision
from etl_framework.storage.seal import sealed
from tests.cli.conftest import Etl
from tests.conftest import ORDERS, Folder, bucket, in_the_cluster

DAY = ("--date", "2024-06-25")
BROKEN = {
    "binary": b"\x00\xff\xfe\x80",
    "emptied": b"",
    "other JSON": b"[1, 2]",
    "deep JSON": b"[" * 50_000,
    "a web page": b"<html><body>Log in</body></html>",
    "sealed, of another form": sealed({"files": 7}),
    "sealed, of yet another form": sealed({"a": {"rule": "x", "odd": 1}, "files": [["x"]]}),
}
each_way = pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())


@pytest.fixture
def decided(orders: Folder) -> Folder:
    """The small project with an archived file, a corrected row and a dropped one."""
    text = ORDERS.replace("orders/*.csv", "orders/*.csv\n    archive: processed/")
    orders.write("pipelines/orders.yml", text)
    bad = "order_id,customer,amount,ordered_at\nfour,eve,8.00,\nfive,fay,9.00,\n"
    orders.write("lake/orders/2.csv", bad)
    orders.run("orders")
    decide(orders)
    return orders


def decide(folder: Folder) -> None:
    rejected = Quarantine(load_project(folder.root), None, "orders")
    four, five = rejected.rows(Selection())
    values = {**four.values, "order_id": "4"}
    made = {four.id: Decision(four.rule, values), five.id: Decision(five.rule)}
    rejected.decide({four.interval: made})


def kept_file(folder: Folder, name: str) -> Path:
    (file,) = (folder.root / ".etl/staging").glob(f"*/*/{name}")
    return file


@each_way
@pytest.mark.parametrize("name", ["decisions/orders.json", "files/orders.json"])
def test_what_no_run_can_make_again_is_named_and_stays(
    decided: Folder,
    etl: Etl,
    name: str,
    content: bytes,
) -> None:
    file = kept_file(decided, name)
    whole = file.read_bytes()
    file.write_bytes(content)
    commands = [("run", "orders", *DAY), ("run", "orders", "--fresh", *DAY)]
    if name.startswith("decisions"):
        commands += [
            ("quarantine", "list"), ("quarantine", "show", "orders"),
            ("quarantine", "replay", "orders"), ("quarantine", "drop", "orders", "--all"),
        ]  # fmt: skip

    for command in commands:
        done = etl(*command)
        assert done.returncode == 1, command
        assert f"{file}: R340 the file is not as it was written" in done.stderr, command
        assert "hint: put back a copy of it" in done.stderr
        assert file.read_bytes() == content
    file.write_bytes(whole)
    assert etl("run", "orders", *DAY).returncode == 0
    assert decided.query("SELECT customer FROM totals ORDER BY 1") == [("ada",), ("bob",), ("eve",)]


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_half_of_the_decisions_are_none(decided: Folder, etl: Etl, cut: float) -> None:
    file = kept_file(decided, "decisions/orders.json")
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * cut)])

    assert "R340" in etl("run", "orders", *DAY).stderr


@pytest.mark.slow
@each_way
def test_decisions_in_s3(orders: Folder, stack: Stack, content: bytes) -> None:
    in_the_cluster(orders, "duckdb")
    bad = b"order_id,customer,amount,ordered_at\n1,ada,1.00,\n2,bob,1.00,\n"
    bucket().write("orders/1.csv", bad + b"four,eve,8.00,\nfive,fay,9.00,\n")
    orders.run("orders")
    decide(orders)
    (name,) = [f.name for f in bucket().listed("stagingData/") if "/decisions/" in f.name]
    bucket().write(name, content)

    with pytest.raises(BrokenStateError, match="not as it was written") as error:
        orders.run("orders")

    assert f"s3://music-lake/{name}: R340" in str(error.value)
    assert "an earlier version of the object" in str(error.value)
    assert bucket().read(name) == content


@each_way
def test_a_result_that_is_broken_is_made_again_and_that_is_told(
    orders: Folder,
    etl: Etl,
    content: bytes,
) -> None:
    orders.run("orders")
    kept_file(orders, "extract.orders/result.json").write_bytes(content)

    again = etl("run", "orders", *DAY)

    assert again.returncode == 0, again.stderr
    (line,) = [line for line in again.stderr.splitlines() if "made again" in line]
    assert line.startswith("✓ extract.orders")
    assert "because result.json is not as it was written" in line


def test_rejected_rows_of_a_step_that_was_killed(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    folder = kept_file(orders, "extract.orders")
    (folder / "result.json").unlink()
    (folder / "rejected").mkdir()
    (folder / "rejected/parse.parquet").write_bytes(b"PAR1 and no more")

    listed = etl("quarantine", "list")

    assert listed.returncode == 1
    assert "R340 the rejected rows in" in listed.stderr


@each_way
def test_the_cache_of_lint(orders: Folder, content: bytes) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("type: integer", "type: intger"))
    first = Linter(orders.root, keep=True, jobs=1).look()
    (orders.root / FILE).write_bytes(content)

    assert Linter(orders.root, keep=True, jobs=1).look() == first


def test_another_letter_in_the_cache_of_lint(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("type: integer", "type: intger"))
    first = Linter(orders.root, keep=True, jobs=1).look()
    cache = orders.root / FILE
    cache.write_bytes(cache.read_bytes().replace(b"intger", b"intker"))

    assert Linter(orders.root, keep=True, jobs=1).look() == first


@each_way
def test_the_compiled_form_of_a_dag(orders: Folder, content: bytes) -> None:
    file = orders.root / ".etl/compiled/orders.default.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)

    assert compiled._kept(orders.root, "orders", None) is None


@pytest.mark.parametrize(
    "content",
    [*BROKEN.values(), b'[{"path": "a", "code": "b", "message": "c", "count": 1e999}]'],
)
def test_the_baseline(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "baseline.json").write_bytes(content)
    if content == b"":
        content = b"nothing"

    with pytest.raises(ConfigError, match=r"baseline\.json is not one") as error:
        read_baseline(tmp_path / "baseline.json")

    assert "etl lint --write-baseline" in str(error.value)


@each_way
def test_the_manifest_of_a_bundle(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)

    with pytest.raises(ConfigError, match="cannot be read") as error:
        read_manifest(tmp_path)

    assert "etl bundle" in str(error.value)


def test_a_folder_of_somebody_else_beside_the_data_intervals(
    orders: Folder,
    etl: Etl,
) -> None:
    orders.run("orders")
    for name in ("notes", "aZ_bZ", "20240625T000000Z_20240626T000000Z.bak"):
        (orders.root / ".etl/staging/orders" / name).mkdir()

    assert json.loads(etl("quarantine", "list", "--format", "json").stdout) == []
