"""A network that can fall silent: a relay in front of a server, which stops to forward."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Thread


class Relay:
    """Forwards every connection to a server, until it falls silent.

    :param server: the path of a Unix socket, or host and port.
    :param until: it falls silent before the first message to the server that contains this.
    :param ends_after: it breaks a connection after so many bytes from the server.
    """

    def __init__(
        self, server: str | tuple[str, int], until: bytes = b"", ends_after: int | None = None
    ) -> None:
        self._left = ends_after
        self._server = server
        self._until = until
        self.is_silent = Event()
        self._sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listening, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._sockets.append(client)
                if self.is_silent.is_set():
                    continue
                if isinstance(self._server, str):
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(self._server)
                else:
                    server = socket.create_connection(self._server)
                self._sockets.append(server)
                there = (client, server, self._until, None)
                back = (server, client, b"", self._left)
                for way in (there, back):
                    Thread(target=self._pump, args=way, daemon=True).start()

    def _pump(
        self, source: socket.socket, to: socket.socket, until: bytes, left: int | None
    ) -> None:
        with suppress(OSError):
            while (data := source.recv(65536)) and (left is None or left > 0):
                left = None if left is None else left - len(data)
                if until and until in data:
                    self.is_silent.set()
                if self.is_silent.is_set():
                    return  # both sockets stay open: nobody hears anything any more
                to.sendall(data)
            for each in (source, to):
                each.shutdown(socket.SHUT_RDWR)
