"""Serve a report to the browsers of this machine, whose pages are loaded again when it changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit

from etl_framework import __version__
from etl_framework.errors import ConfigError
from etl_framework.report.pages import INDEX, content_type

ADDRESS = "127.0.0.1"
# Where a page asks which version of the report there is.
VERSION = "/-/version"
# Stands in served pages alone: a page that was loaded before the report was made anew asks for
# itself again. A server that has ended does not answer, and the page stays.
RELOAD = """<script>
setInterval(async () => {
  try {
    const answer = await fetch("%s", {cache: "no-store"});
    if (answer.ok && await answer.text() !== "%s") location.reload();
  } catch { /* the server has ended */ }
}, 500);
</script>
</head>"""
GONE = (
    b"<!doctype html><html lang=en><head><title>Not there</title></head><p>There is no such page."
)


class ReportServer(ThreadingHTTPServer):
    """Serves the pages of a report from memory, so that no path leads to any other file."""

    daemon_threads = True
    # Another server's port must not be shared, which reuse would allow on some systems.
    allow_reuse_address = True
    allow_reuse_port = False

    def __init__(self, port: int) -> None:
        """Listen on the loopback address.

        :param port: 0 for any that is free.
        :raises ConfigError: the port is taken.
        """
        self._made: tuple[int, Mapping[str, bytes]] = 0, {}
        try:
            super().__init__((ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"nothing can be served on port {port}: {error}", hint="give another --port"
            ) from error

    @property
    def url(self) -> str:
        """The address of the first page."""
        return f"http://{ADDRESS}:{self.server_port}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names by which a browser may ask, with the port."""
        return f"{ADDRESS}:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def version(self) -> int:
        """How many times the report was made."""
        return self._made[0]

    def show(self, pages: Mapping[str, bytes]) -> None:
        """Serve these pages from now on; browsers load theirs again."""
        self._made = self.version + 1, pages

    def page(self, name: str) -> bytes | None:
        """Return a file as it is served; None if the report has none of that name."""
        version, pages = self._made
        content = pages.get(name)
        if content is None or not name.endswith(".html"):
            return content
        return with_reload(content, version)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve in a thread, until the `with` statement ends."""
        thread = Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


def with_reload(page: bytes, version: int) -> bytes:
    """Return a page that loads itself again when there is another version."""
    return page.replace(b"</head>", (RELOAD % (VERSION, version)).encode(), 1)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: ReportServer
    server_version = f"etl-framework/{__version__}"
    sys_version = ""

    def do_GET(self) -> None:
        # A page elsewhere may have its own name lead to this machine, to read what is served here.
        if self.headers.get("Host", "").lower() not in self.server.hosts:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"This is another host.\n")
            return
        path = urlsplit(self.path).path
        if path == VERSION:
            self._answer(HTTPStatus.OK, "text/plain", str(self.server.version).encode())
            return
        name = unquote(path).removeprefix("/") or INDEX
        content = self.server.page(name)
        if content is None:
            gone = with_reload(GONE, self.server.version)
            self._answer(HTTPStatus.NOT_FOUND, content_type(INDEX), gone)
            return
        self._answer(HTTPStatus.OK, content_type(name), content)

    do_HEAD = do_GET

    def _answer(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: a browser asks twice a second."""
