"""S3 over HTTP: many keys, odd keys, large objects, keys that go away, a busy server."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from etl_framework.connections.s3 import S3
from etl_framework.devstack.stack import BUCKET, Stack
from etl_framework.errors import ConfigError, DataMissingError, RetryableError
from etl_framework.storage.s3 import ATTEMPTS, PART, S3Prefix
from etl_framework.storage.staging import Staging
from tests.chaos.proxies import S3Proxy
from tests.conftest import REPOSITORY, bucket
from tests.thorough import amount

GIB = 1 << 30
# An object that is larger than what a download may hold, many times.
SIZE = amount(1, 5) * GIB
ODD = [
    "a name with blanks.csv", "Ünïcödé/日本語.csv", "plus+and&amp;.csv", "100%25.csv",
    "it's \"q\".csv", "hash#question?.csv", "tilde~=@:;,$!*().csv", " two blanks.csv", "a//b.csv",
]  # fmt: skip


@pytest.fixture
def place(stack: Stack) -> S3Prefix:
    return bucket() / "some where"


@pytest.fixture
def busy(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[S3Proxy, list[float]]]:
    """A server before S3 that may refuse, and how long the client waited after each refusal."""
    import botocore.endpoint

    waits: list[float] = []
    proxy = S3Proxy(stack.variables["ETL_DEV_S3_URL"])
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=waits.append))
    yield proxy, waits
    proxy.stop()


def many(count: int, prefix: str) -> None:
    """Put empty objects into the bucket, past HTTP, which would take a minute."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for number in range(count):
        backend.put_object(BUCKET, f"{prefix}{number:05}.csv", b"")


def test_thousands_of_keys(stack: Stack, tmp_path: Path) -> None:
    """A listing has a thousand of them."""
    count = amount(3_000, 10_000)
    many(count, "events/2024/")
    many(50, "events/2024/deeper/")
    many(50, "elsewhere/")
    lake = S3(type="s3", bucket=BUCKET, endpoint_url="{{ env.ETL_DEV_S3_URL }}")

    found = lake.files(tmp_path, "events/*/*.csv", tmp_path)

    assert [file.name for file in found] == [f"events/2024/{n:05}.csv" for n in range(count)]
    assert len({file.path for file in found}) == count
    assert len(lake.files(tmp_path, "events/**/*.csv", tmp_path)) == count + 50
    assert bucket().folders() == ["elsewhere", "events"]


def test_more_keys_are_deleted_than_one_request_takes(stack: Stack, tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    many(2_500, "staging/p/day/extract.x/killed/data/")
    folder = Staging(tmp_path, bucket() / "staging").run("p", "day")

    assert folder.sweep(datetime.now(UTC) + timedelta(hours=1)) == 2_500
    assert list(bucket().listed()) == []


@pytest.mark.parametrize("name", ODD)
def test_odd_keys(place: S3Prefix, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").write_bytes(b"some bytes")
    place.write(name, b"old")
    place.upload(tmp_path / "in", name)

    (found,) = place.listed()
    assert (found.name, found.size) == (name, 10)
    assert (place.head(name, 4), place.read(name)) == (b"some", b"some bytes")
    place.download(name, tmp_path / "out", found.size)
    assert (tmp_path / "out").read_bytes() == b"some bytes"
    place.copy(name, f"processed/{name}")
    place.delete([name])
    assert [found.name for found in place.listed()] == [f"processed/{name}"]


def test_what_is_written_is_encrypted_by_the_key(stack: Stack, tmp_path: Path) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    place = S3(type="s3", bucket=BUCKET, kms_key=key, endpoint_url="{{ env.ETL_DEV_S3_URL }}")
    large = tmp_path / "large"
    large.write_bytes(b"x" * (PART + 1))
    prefix = place.open()

    prefix.write("small", b"1")
    prefix.upload(large, "in parts")
    prefix.copy("in parts", "copied in parts")

    for name in ("small", "in parts", "copied in parts"):
        found = stack.s3.head_object(Bucket=BUCKET, Key=name)
        assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key), name
    parts = [stack.s3.head_object(Bucket=BUCKET, Key=n)["ETag"] for n in ("in parts", "small")]
    assert [etag.strip('"').endswith("-2") for etag in parts] == [True, False]


def test_a_key_that_is_gone_when_it_is_read(place: S3Prefix, tmp_path: Path) -> None:
    place.write("1.csv", b"a\n1\n")
    (found,) = place.listed()
    place.delete([found.name])

    assert place.read("1.csv") is None
    for read in (
        lambda: place.head("1.csv", 10),
        lambda: place.download("1.csv", tmp_path / "x", found.size),
        lambda: place.copy("1.csv", "2.csv"),
    ):
        with pytest.raises(
            DataMissingError, match=r"s3://music-lake/some where/1.csv is not there"
        ):
            read()
    assert not (tmp_path / "x").exists()


def test_a_key_that_is_another_one_when_it_is_read(place: S3Prefix, tmp_path: Path) -> None:
    place.write("1.csv", b"a\n1\n2\n")

    with pytest.raises(RetryableError, match="changed while it was read"):
        place.download("1.csv", tmp_path / "x", 4)
    assert not (tmp_path / "x").exists()


def test_a_bucket_that_is_not_there(stack: Stack) -> None:
    other = S3(type="s3", bucket="another", endpoint_url="{{ env.ETL_DEV_S3_URL }}")

    with pytest.raises(ConfigError, match="S3 refuses s3://another/x: NoSuchBucket"):
        list(other.open().listed("x"))


def test_a_storm_of_503_is_waited_out(
    busy: tuple[S3Proxy, list[float]], stack: Stack, tmp_path: Path
) -> None:
    """Each request is refused as often as the client bears it."""
    proxy, waits = busy
    refused = Counter[str]()

    def storm(method: str, path: str) -> str:
        request = f"{method} {path}"
        refused[request] += 1
        return "503" if refused[request] < ATTEMPTS else ""

    place = S3(type="s3", bucket=BUCKET, endpoint_url=proxy.url).open() / "storm"
    proxy.verdict = storm
    place.write("1", b"one")
    assert place.read("1") == b"one"
    assert [found.name for found in place.listed()] == ["1"]
    place.download("1", tmp_path / "1")
    place.delete(["1"])

    assert list(stack.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])) == []
    assert len(waits) >= 5 * (ATTEMPTS - 1)
    assert 4 < max(waits) <= 20, "the waits grow, and end at twenty seconds"


@pytest.mark.parametrize("act", ["write", "upload", "upload in parts", "download", "copy", "list"])
def test_what_s3_refuses_is_told_as_refused_and_not_tried_again(
    busy: tuple[S3Proxy, list[float]], tmp_path: Path, act: str
) -> None:
    proxy, waits = busy
    place = S3(type="s3", bucket=BUCKET, endpoint_url=proxy.url).open()
    file = tmp_path / "file"
    file.write_bytes(b"x" * (PART + 1 if act == "upload in parts" else 1))
    asked: list[str] = []

    def refuse(method: str, path: str) -> str:
        asked.append(method)
        return "403"

    proxy.verdict = refuse
    acts = {
        "write": lambda: place.write("1", b"one"),
        "upload": lambda: place.upload(file, "1"),
        "upload in parts": lambda: place.upload(file, "1"),
        "download": lambda: place.download("1", tmp_path / "1"),
        "copy": lambda: place.copy("1", "2"),
        "list": lambda: list(place.listed()),
    }

    with pytest.raises(
        ConfigError, match=r"R100 S3 refuses s3://music-lake/1?: (AccessDenied|403)"
    ):
        acts[act]()
    assert (len(asked), waits) == (1, [])


def test_how_long_s3_is_waited_for_is_a_setting(stack: Stack) -> None:
    url = stack.variables["ETL_DEV_S3_URL"]
    place = S3(type="s3", bucket=BUCKET, endpoint_url=url, connect_timeout=2, read_timeout=7).open()

    config = place.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 7)


def test_a_silent_s3_is_given_up(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        place = S3(type="s3", bucket=BUCKET, endpoint_url=url, read_timeout=1).open(attempts=1)

        with pytest.raises(RetryableError, match=r"S3 does not answer .* ReadTimeoutError"):
            place.write("1", b"one")


def test_a_storm_that_does_not_end_may_be_tried_again(busy: tuple[S3Proxy, list[float]]) -> None:
    proxy, waits = busy
    place = S3(type="s3", bucket=BUCKET, endpoint_url=proxy.url).open()
    proxy.verdict = lambda method, path: "503"

    with pytest.raises(RetryableError, match="s3://music-lake/1: SlowDown"):
        place.write("1", b"one")
    assert len(waits) == ATTEMPTS - 1


DOWNLOAD = """
import resource, sys
from pathlib import Path
from etl_framework.connections.s3 import S3
place = S3(type="s3", bucket="large", endpoint_url=sys.argv[1]).open()
(found,) = place.listed()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
place.download(found.name, Path(sys.argv[2]), found.size)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.fixture
def large(stack: Stack) -> Iterator[str]:
    """A server with one object of 5 GiB, which nobody could hold in memory, made as it is read."""
    block = bytes(range(256)) * 4096
    listing = (
        f"<ListBucketResult><Contents><Key>5.csv</Key><Size>{SIZE}</Size><ETag>e</ETag>"
        "<LastModified>2024-06-25T00:00:00Z</LastModified></Contents></ListBucketResult>"
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._begin(200, SIZE)

        def do_GET(self) -> None:
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if not wanted:
                self._begin(200, len(listing))
                self.wfile.write(listing)
                return
            start, end = int(wanted[1]), min(int(wanted[2] or SIZE), SIZE - 1)
            self._begin(206, end + 1 - start, f"bytes {start}-{end}/{SIZE}")
            for at in range(start, end + 1, len(block)):
                self.wfile.write(block[: min(len(block), end + 1 - at)])

        def _begin(self, status: int, length: int, part: str = "") -> None:
            self.send_response(status)
            for name, value in {
                "Content-Length": length,
                "ETag": "e",
                "Content-Range": part,
            }.items():
                if value:
                    self.send_header(name, str(value))
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_a_large_object_is_a_stream(large: str, tmp_path: Path) -> None:
    """The parts that are under way are in memory, and nothing else."""
    file = tmp_path / "5.csv"
    command = [sys.executable, "-c", DOWNLOAD, large, str(file)]
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=180, check=True
    )

    assert file.stat().st_size == SIZE
    with file.open("rb") as written:
        for at in (0, SIZE // 2 + 7 * PART, SIZE - 256):
            written.seek(at)
            assert written.read(256) == bytes(range(256))
    file.unlink()
    assert int(done.stdout) < 128 << 10, "KiB above what it had before"
