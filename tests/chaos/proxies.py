"""Servers between a run and what it talks to, which break what passes through them."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# What happens to a request of S3: `503`, `500`, `403`, `cut`, `lost` (done, and not answered), or
# nothing.
Verdict = Callable[[str, str], str]


class Cutter:
    """A port before another one; `cut_after` bytes towards the client it breaks the connection."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.cut_after: int | None = None
        self.passed = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            with suppress(OSError):
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for side in (client, server):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for pair in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()
                continue
            return

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                if counted:
                    left = None if self.cut_after is None else self.cut_after - self.passed
                    self.passed += len(data)
                    if left is not None and left < len(data):
                        self.cut_after = None
                        sink.sendall(data[: max(left, 0)])
                        _reset(sink)
                        _reset(source)
                        return
                sink.sendall(data)
        for side in (source, sink):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._listener.close()


def _reset(sock: socket.socket) -> None:
    """Close it so that the other side sees a broken connection and no orderly end."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RDWR)  # wakes who reads from it
        sock.close()


class S3Proxy:
    """An S3 server before another one, which asks `verdict` about each request."""

    def __init__(self, url: str) -> None:
        self.verdict: Verdict = lambda method, path: ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(urlsplit(url).netloc))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self, target: str) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                verdict = proxy.verdict(self.command, self.path)
                codes = {"403": "AccessDenied", "500": "InternalError", "503": "SlowDown"}
                if code := codes.get(verdict):
                    text = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
                    self._send(int(verdict), {"Content-Type": "application/xml"}, text)
                    return
                upstream = http.client.HTTPConnection(target, timeout=30)
                given = {n: v for n, v in self.headers.items() if n.lower() != "expect"}
                upstream.request(self.command, self.path, body, given)
                found = upstream.getresponse()
                data = found.read()
                headers = {
                    name: value
                    for name, value in found.getheaders()
                    if name.lower() not in ("transfer-encoding", "connection", "content-length")
                }
                length = found.getheader("Content-Length")
                upstream.close()
                if verdict == "lost":
                    _reset(self.connection)
                    self.close_connection = True
                    return
                if verdict == "cut":
                    self.send_response(found.status)
                    self.send_header("Content-Length", str(len(data) + 10))
                    self.end_headers()
                    self.wfile.write(data[: len(data) // 2])
                    self.wfile.flush()
                    _reset(self.connection)
                    self.close_connection = True
                    return
                self._send(found.status, headers, data, length)

            def _send(
                self, status: int, headers: dict[str, str], data: bytes, length: str | None = None
            ) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                of_head = self.command == "HEAD" and length
                self.send_header("Content-Length", str(length if of_head else len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)
                self.wfile.flush()

            def handle(self) -> None:
                with suppress(OSError):
                    super().handle()

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._answer)
        return Handler
