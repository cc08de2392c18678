"""A PostgreSQL on a port with TLS and passwords, like RDS: bytes are passed on unchanged."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from etl_framework.devstack.wire import Access, Channel, Closed, cancel, connect, greet


@dataclass
class PostgresServer:
    """The port in front of one database.

    :param postgres: the path of the server's Unix socket.
    """

    postgres: str
    database: str
    access: Access
    _listener: socket.socket | None = None
    _open: set[Channel] = field(default_factory=set)

    def start(self) -> int:
        """Listen on a free port of the loopback and return the port."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self.port

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._listener.getsockname()[1]) if self._listener else 0

    def stop(self) -> None:
        """Close every connection."""
        if self._listener:
            self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Close the connections that are open now."""
        for channel in list(self._open):
            channel.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            channel, cancelled = greet(sock, self.access)
            if cancelled is not None:
                cancel(self.postgres, cancelled)
                channel.close()
                return
            self._serve_client(channel)
        except (Closed, OSError):
            sock.close()

    def _serve_client(self, client: Channel) -> None:
        """Pass bytes between the client and PostgreSQL until one side closes."""
        backend, seen, _ = connect(self.postgres, "postgres", self.database, "")
        self._open |= {client, backend}
        client.send(*seen)
        both = [(client, backend), (backend, client)]
        threads = [threading.Thread(target=_pipe, args=pair, daemon=True) for pair in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._open -= {client, backend}


def _pipe(source: Channel, sink: Channel) -> None:
    """Pass bytes on until the source ends, then close both sides."""
    with contextlib.suppress(Closed):
        while data := source.some():
            sink.send(data)
    sink.close()
    source.close()
