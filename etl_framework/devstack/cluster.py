"""A server that speaks Redshift's protocol, with a PostgreSQL behind it.

What it cannot imitate: how rows are distributed, sorted and compressed, and so how fast anything is;
concurrency scaling, queues and their limits; Spectrum, data sharing, materialized views, machine
learning, stored procedures and Python functions; SUPER's navigation; MERGE ... REMOVE DUPLICATES;
COPY of JSON, AVRO, ORC and fixed widths; isolation by table, for which PostgreSQL's isolation by row
stands. The optimizer, and the words of rare errors, are PostgreSQL's.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from etl_framework.devstack.copy_csv import Failed
from etl_framework.devstack.objects import Objects
from etl_framework.devstack.rewrite import rewriter, split
from etl_framework.devstack.session import Session
from etl_framework.devstack.wire import Access, Channel, Closed, cancel, connect, greet, packed

Isolation = Literal["serializable", "snapshot"]
SYSTEM = Path(__file__).with_name("system.sql")


@dataclass
class Cluster:
    """The stand-in for one cluster.

    :param postgres: path of the Unix socket of the PostgreSQL behind it.
    :param client: of boto3, for S3.
    :param fault: hears of each statement before it runs; see Session.
    """

    postgres: str
    database: str
    access: Access
    client: Any
    roles: frozenset[str]
    isolation: Isolation = "snapshot"
    fault: Callable[[str], bool] = lambda sql: False
    _listener: socket.socket | None = None
    _open: set[Channel] = field(default_factory=set)

    def start(self) -> int:
        """Listen on a free port of the loopback; returns the port."""
        self._prepare()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return int(self._listener.getsockname()[1])

    def stop(self) -> None:
        """Close every connection."""
        if self._listener:
            self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break the connections that are open now."""
        for channel in list(self._open):
            channel.close()

    def _prepare(self) -> None:
        with self._backend() as session:
            session.ask(SYSTEM.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def _backend(self) -> Any:
        """A session of our own, without a client."""
        backend, _, _ = connect(self.postgres, "postgres", self.database, "")
        try:
            yield Session(backend, backend, lambda sql, _: None, split)  # type: ignore[arg-type, return-value]
        finally:
            backend.close()

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
            channel, _, cancelled = greet(sock, self.access)
            if cancelled is not None:
                cancel(self.postgres, cancelled)
                channel.close()
                return
            level = "serializable" if self.isolation == "serializable" else "repeatable\\ read"
            options = (
                f"-c default_transaction_isolation={level} -c search_path=public,redshift "
                "-c standard_conforming_strings=off -c escape_string_warning=off"
            )
            backend, seen, _ = connect(self.postgres, "postgres", self.database, options)
        except (Closed, OSError):
            sock.close()
            return
        self._open.add(channel)
        try:
            version = [m for m in seen if not m.startswith(b"S") or b"server_version" not in m]
            last = version.pop()
            told = packed(b"S", b"server_version\x008.0.2\0")
            channel.send(*version, told, last)
            objects = Objects(self.client, self.roles, self._keep_failed)
            Session(channel, backend, rewriter(objects), split, self.fault).run()
        except Closed:
            backend.close()
        finally:
            self._open.discard(channel)

    def _keep_failed(self, table: str, failed: Sequence[Failed]) -> None:
        """Write rows that COPY could not load, so that a rollback does not undo it."""
        from etl_framework.sql.quote import literal

        columns = "file_name, line_number, column_name, column_type, record_line, error_value"
        with self._backend() as session:
            for start in range(0, len(failed), 500):
                rows = ", ".join(
                    literal(
                        (
                            table, f.file, f.line, f.column, f.type, _printable(f.raw_line),
                            _printable(f.raw_value), f.code, f.reason,
                        )  # fmt: skip
                    )
                    for f in failed[start : start + 500]
                )
                session.ask(
                    f"INSERT INTO redshift.load_errors (table_name, {columns}, error_code, "
                    f"error_message) VALUES {rows}"
                )


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
