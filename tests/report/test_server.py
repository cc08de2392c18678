"""What the server of a report answers, and to whom."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from etl_framework.errors import ConfigError
from etl_framework.report.server import VERSION, ReportServer

PAGES = {
    "index.html": b"<html><head></head><body>wall</body></html>",
    "runs/a.html": b"<html><head></head><body>run</body></html>",
    "style.css": b"main { color: red }",
    "odd name.html": b"<html><head></head><body>odd</body></html>",
}


@pytest.fixture
def server() -> Iterator[ReportServer]:
    made = ReportServer(0)
    made.show(PAGES)
    with made.running():
        yield made


def ask(
    server: ReportServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], str]:
    """Send one path, exactly as it is written; the status, the headers and the text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/", "text/html; charset=utf-8", "wall"),
        ("/index.html?x=1", "text/html; charset=utf-8", "wall"),
        ("/runs/a.html", "text/html; charset=utf-8", "run"),
        ("/style.css", "text/css; charset=utf-8", "main { color: red }"),
        ("/odd%20name.html", "text/html; charset=utf-8", "odd"),
    ],
)
def test_the_files_of_the_report(server: ReportServer, path: str, kind: str, text: str) -> None:
    status, headers, content = ask(server, path)

    assert (status, headers["Content-Type"]) == (200, kind)
    assert text in content
    assert headers["Content-Length"] == str(len(content))
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/runs", "/runs/", "/../setup.cfg", "/runs/../index.html", "/%2e%2e/setup.cfg",
     "/etc/passwd", "/runs%2f..%2f..%2fsetup.cfg", "/.etl-report", "/index.html%00"],
)  # fmt: skip
def test_nothing_else_and_no_listing(server: ReportServer, path: str) -> None:
    status, _, text = ask(server, path)

    assert status == 404
    assert "There is no such page" in text and "style.css" not in text


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil", ""],
)
def test_no_name_but_its_own(server: ReportServer, host: str) -> None:
    """A page of another server whose name leads here reads nothing (DNS rebinding)."""
    for path in ("/", VERSION):
        status, _, text = ask(server, path, Host=host.format(port=server.server_port))
        assert (status, text) == (421, "This is another host.\n")

    for name in ("localhost", "127.0.0.1", "LOCALHOST"):
        assert ask(server, "/", Host=f"{name}:{server.server_port}")[0] == 200


def test_other_methods(server: ReportServer) -> None:
    status, headers, text = ask(server, "/", "HEAD")
    assert (status, text) == (200, "") and int(headers["Content-Length"]) > len(PAGES["index.html"])
    assert [ask(server, "/", method)[0] for method in ("POST", "PUT", "DELETE")] == [501] * 3


def test_a_page_asks_for_itself_again_once_there_is_another_version(server: ReportServer) -> None:
    assert ask(server, VERSION)[2] == "1"
    assert '!== "1"' in ask(server, "/")[2] and '!== "1"' in ask(server, "/gone.html")[2]

    server.show({"index.html": PAGES["index.html"]})

    assert ask(server, VERSION)[2] == "2"
    assert '!== "2"' in ask(server, "/")[2]
    assert ask(server, "/runs/a.html")[0] == 404


def test_it_listens_on_the_loopback_alone_and_only_once(server: ReportServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with pytest.raises(ConfigError, match=f"nothing can be served on port {server.server_port}"):
        ReportServer(server.server_port)
