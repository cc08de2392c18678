"""Outputs come from S3 once for all who wait, whole or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from etl_framework.connections.s3 import S3
from etl_framework.devstack.stack import BUCKET, Stack
from etl_framework.errors import BrokenStateError
from etl_framework.storage.fetched import UNUSED
from etl_framework.storage.outcome import Outcome
from etl_framework.storage.staging import Staging
from etl_framework.storage.step_folder import StepFolder
from tests.chaos.proxies import S3Proxy
from tests.conftest import bucket

ROWS = b"rows" * 1000


@pytest.fixture
def proxy(stack: Stack) -> Iterator[S3Proxy]:
    server = S3Proxy(stack.variables["ETL_DEV_S3_URL"])
    yield server
    server.stop()


def step(folder: Path, url: str = "{{ env.ETL_DEV_S3_URL }}") -> StepFolder:
    """The folder of a step, as a process sees it whose staging is below this folder."""
    place = S3(type="s3", bucket=BUCKET, endpoint_url=url).open() / "staging"
    return Staging(folder, place).run("p", "day").step("extract.x")


def finish(folder: Path, rows: bytes = ROWS) -> None:
    made = step(folder)
    made.begin()
    for number in range(3):
        (made.part("data") / f"{number}.parquet").write_bytes(rows)
    made.finish(Outcome({"read": 1}))


def stored(ending: str) -> str:
    """The key of the object with this ending."""
    (key,) = [found.name for found in bucket().listed() if found.name.endswith(ending)]
    return key


def test_one_download_serves_all_who_wait(proxy: S3Proxy, tmp_path: Path) -> None:
    """The second begins while the first is in the middle of its download."""
    finish(tmp_path / "maker")
    downloads: list[str] = []
    in_the_middle, second_is_here = threading.Event(), threading.Event()

    def verdict(method: str, path: str) -> str:
        if path.endswith("result.json") and in_the_middle.is_set():
            second_is_here.set()
        if method == "GET" and path.endswith(".parquet"):
            downloads.append(path)
            in_the_middle.set()
            assert second_is_here.wait(20)
        return ""

    proxy.verdict = verdict
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: step(tmp_path / "worker", proxy.url).fetch())
        assert in_the_middle.wait(20)
        second = pool.submit(lambda: step(tmp_path / "worker", proxy.url).fetch())
        files = [done.result(30).files("data") for done in (first, second)]

    assert files[0] == files[1]
    assert [Path(file).read_bytes() for file in files[0]] == [ROWS] * 3
    assert len(downloads) == 3, "each file once"


def test_many_at_once_in_many_rounds(stack: Stack, tmp_path: Path) -> None:
    for number in range(4):
        finish(tmp_path / "maker", ROWS + bytes([number]))
        with ThreadPoolExecutor(6) as pool:
            folders = list(pool.map(lambda _: step(tmp_path / "worker").fetch(), range(6)))
        for folder in folders:
            contents = [Path(file).read_bytes() for file in folder.files("data")]
            assert contents == [ROWS + bytes([number])] * 3


def test_a_new_attempt_leaves_the_files_of_those_who_still_read(
    stack: Stack, tmp_path: Path
) -> None:
    finish(tmp_path / "maker", b"old")
    reading = step(tmp_path / "worker").fetch()
    finish(tmp_path / "maker", b"new")

    newer = step(tmp_path / "worker").fetch()

    assert Path(reading.files("data")[0]).read_bytes() == b"old"
    assert Path(newer.files("data")[0]).read_bytes() == b"new"
    os.utime(reading.path, (0, reading.path.stat().st_mtime - UNUSED - 1))
    step(tmp_path / "worker").fetch()
    assert (reading.path.exists(), newer.path.exists()) == (False, True)


@pytest.mark.parametrize("harm", [b"", ROWS[:-1], ROWS[:-1] + b"!"], ids=["empty", "cut", "flip"])
def test_what_is_broken_here_is_downloaded_again(stack: Stack, tmp_path: Path, harm: bytes) -> None:
    finish(tmp_path / "maker")
    (file, *_) = step(tmp_path / "worker").fetch().files("data")
    Path(file).write_bytes(harm)

    (again, *_) = step(tmp_path / "worker").fetch().files("data")

    assert (again, Path(again).read_bytes()) == (file, ROWS)


def test_what_the_worker_has_made_itself_is_not_downloaded(proxy: S3Proxy, tmp_path: Path) -> None:
    finish(tmp_path / "maker")
    methods: list[str] = []
    proxy.verdict = lambda method, path: methods.append(path) or ""

    folder = step(tmp_path / "maker", proxy.url).fetch()

    assert folder.path == step(tmp_path / "maker").path
    assert [path.rpartition("/")[2] for path in methods] == ["result.json"]


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (None, "1.parquet is not there"),
        (b"", "1.parquet has 0 bytes and not 4,000"),
        (ROWS[:-1] + b"!", "1.parquet has other bytes"),
    ],
    ids=["gone", "empty", "flip"],
)
def test_what_is_broken_in_s3_is_named_and_found_before_it_is_used_again(
    stack: Stack, tmp_path: Path, harm: bytes | None, told: str
) -> None:
    finish(tmp_path / "maker")
    key = stored("data/1.parquet")
    bucket().delete([key]) if harm is None else bucket().write(key, harm)

    with pytest.raises(BrokenStateError, match=told) as error:
        step(tmp_path / "worker").fetch()

    assert f"s3://{BUCKET}/{key}: " in str(error.value)
    assert "--fresh" not in str(error.value)
    assert "data/1.parquet is" in step(tmp_path / "maker").broken()
    assert step(tmp_path / "worker").bring("rejected") == []


def test_a_part_is_brought_without_the_others(proxy: S3Proxy, tmp_path: Path) -> None:
    made = step(tmp_path / "maker")
    made.begin()
    for part in ("data", "rejected"):
        (made.part(part) / "0.parquet").write_bytes(ROWS)
    made.finish(Outcome())
    read: list[str] = []
    proxy.verdict = lambda method, path: read.append(path.rpartition("/")[0][-8:]) or ""

    (file,) = step(tmp_path / "worker", proxy.url).bring("rejected")

    assert Path(file).read_bytes() == ROWS
    assert "rejected" in read and not any("data" in path for path in read)
