"""A server that is not S3 is told by name, whatever it answers; nothing ends in a stack trace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from etl_framework.connections.s3 import S3
from etl_framework.errors import ConfigError, EtlError
from etl_framework.storage.s3 import S3Prefix

PAGES = {
    "nothing": b"",
    "a page in XML": b"<html><body>Log in</body></html>",
    "a page in HTML": b"<!DOCTYPE html><html><body>Log in<br>here</body>",
    "a text": b"no such thing",
    "binary": b"\x00\xff\xfe\x00",
    "JSON": b'{"message": "no"}',
}
REQUESTS: dict[str, Callable[[S3Prefix, Path], object]] = {
    "list": lambda place, file: list(place.listed()),
    "list folders": lambda place, file: place.folders(),
    "read": lambda place, file: place.read("a"),
    "read the head": lambda place, file: place.head("a", 3),
    "write": lambda place, file: place.write("a", b"1"),
}
OTHERS: dict[str, Callable[[S3Prefix, Path], object]] = {
    "upload": lambda place, file: place.upload(file, "a"),
    "download": lambda place, file: place.download("a", file, 3),
    "copy": lambda place, file: place.copy("a", "b"),
    "delete": lambda place, file: place.delete(["a"]),
}


class WebServer:
    """A server that answers each request with the same page."""

    def __init__(self) -> None:
        self.status, self.page = 200, b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(outer.status)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(outer.page)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(outer.page)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def place(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> S3Prefix:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    return S3(type="s3", bucket="lake", endpoint_url=web.url).open(attempts=1) / "some"


# With another page than these, boto3 itself sees that the answer is wrong, and takes it for a 500.
LIKE_S3 = [(name, page) for name in REQUESTS for page in PAGES.values()]
LIKE_S3 = [pair for pair in LIKE_S3 if "read" in pair[0] or pair[1][:6] in (b"", b"<html>")]


@pytest.mark.parametrize(("name", "page"), LIKE_S3)
def test_what_answers_is_not_s3(
    web: WebServer, place: S3Prefix, tmp_path: Path, name: str, page: bytes
) -> None:
    web.status, web.page = 200, page

    with pytest.raises(ConfigError, match="does not speak S3's language") as error:
        REQUESTS[name](place, tmp_path / "file")

    assert "check `endpoint_url`" in str(error.value)


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
@pytest.mark.parametrize("name", {**REQUESTS, **OTHERS})
def test_no_answer_ends_in_a_stack_trace(
    web: WebServer, place: S3Prefix, tmp_path: Path, name: str, status: int
) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    for page in PAGES.values():
        web.status, web.page = status, page
        try:
            {**REQUESTS, **OTHERS}[name](place, tmp_path / "file")
        except EtlError as error:
            assert error.diagnostics[0].message


def test_a_server_that_sends_everybody_to_itself(
    web: WebServer, place: S3Prefix, tmp_path: Path
) -> None:
    web.status, web.page = 302, b""

    with pytest.raises(EtlError):
        place.read("a")


@pytest.mark.parametrize(
    "url", ["nonsense", "localhost:9000", "http://", "http://[::1", "http://a b"]
)
def test_an_address_that_is_none(place: S3Prefix, url: str) -> None:
    with pytest.raises(ConfigError, match="is no address of a server") as error:
        S3(type="s3", bucket="lake", endpoint_url=url).open()

    assert url in str(error.value)


def test_a_password_in_an_address_is_not_shown(place: S3Prefix) -> None:
    with pytest.raises(ConfigError) as error:
        S3(type="s3", bucket="lake", endpoint_url="http://me:hidden@a b").open()

    assert "hidden" not in str(error.value)
