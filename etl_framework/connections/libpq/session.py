"""Connections through psycopg2 that wait for nothing without end, and can always be stopped.

libpq gives up a server that does not let in, and TCP a network that is silent. Nothing ends a
statement whose answer never comes because something between keeps the connection open: here a
timer does, and cuts the connection. psycopg2's own `cancel` blocks the whole process while it
waits for the server, so that another connection asks the server to cancel.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, Thread, Timer
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from etl_framework.connections.label import label
from etl_framework.errors import EtlError, RetryableError
from etl_framework.errors.failures import CONNECTING, of_message, of_sqlstate
from etl_framework.errors.secrets import said

T = TypeVar("T")
# The server ends a statement first, and this side some seconds later.
LATER = 2.0
# How long a server is asked to cancel a statement before the connection is cut.
CANCEL_SECONDS = 2
CANCELLED = "it was cancelled"
# PostgreSQL looks whether a client is still there, from version 14 on.
WATCHES = 140_000


class BoundedCursor(Cursor):
    """A cursor whose statements end in time."""

    connection: BoundedConnection

    def execute(self, query: str, vars: Any = None) -> None:  # type: ignore[override]
        sql = query + self.connection.comment
        self.connection.within_time(lambda: super(BoundedCursor, self).execute(sql, vars))

    def copy_expert(self, sql: str, file: Any, size: int = 8192) -> None:  # type: ignore[override]
        text = sql + self.connection.comment
        copy = super().copy_expert
        self.connection.within_time(lambda: copy(text, file, size))


class BoundedConnection(Connection):
    """A connection whose statements end in time, and that another thread can stop.

    The label of the step that opens it is behind each statement, whichever thread sends that.
    """

    seconds = 0.0
    comment = ""
    address: Mapping[str, Any] = {}
    _why = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursor_factory = BoundedCursor
        self._closing = Lock()

    def within_time(self, wait: Callable[[], T]) -> T:
        """Return what `wait` returns; if it takes too long, the connection is cut.

        :raises OperationalError: it took too long, or it was cancelled.
        """
        if not self.seconds:
            return wait()
        why = f"no answer within {self.seconds:g} seconds (statement_timeout)"
        timer = Timer(self.seconds + LATER, self.cut, [why])
        timer.daemon = True
        timer.start()
        try:
            return wait()
        except psycopg2.Error as error:
            if self._why:
                raise psycopg2.OperationalError(self._why) from error
            raise
        finally:
            timer.cancel()

    def commit(self) -> None:
        self.within_time(super().commit)

    def rollback(self) -> None:
        self.within_time(super().rollback)

    def cancel(self) -> None:
        """Stop the statement that is running, within seconds; another thread calls this."""
        self._why = self._why or CANCELLED
        asking = Thread(target=self._ask, daemon=True)
        asking.start()
        asking.join(CANCEL_SECONDS)
        self.cut(CANCELLED)

    def cut(self, why: str) -> None:
        """Break the connection, so that nobody waits for it any longer.

        :param why: the message of the statement that ends by this.
        """
        with self._closing:
            if self.closed:
                return
            self._why = self._why or why
            with suppress(OSError), socket.socket(fileno=os.dup(self.fileno())) as ours:
                ours.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._closing:
            super().close()

    def _ask(self) -> None:
        with suppress(psycopg2.Error):
            asking = psycopg2.connect(**{**self.address, "connect_timeout": CANCEL_SECONDS})
            asking.autocommit = True
            with asking.cursor() as cursor:
                cursor.execute("SELECT pg_cancel_backend(%s)", (self.info.backend_pid,))
            asking.close()


def connect(server: str, address: Mapping[str, Any], seconds: float) -> BoundedConnection:
    """Open a connection; the caller closes it.

    :param server: its name in messages, `PostgreSQL` or `Redshift`.
    :param address: arguments for libpq.
    :param seconds: how long a statement may take.
    :raises RetryableError: the server does not answer.
    :raises ConfigError: the server refuses, or its certificate is not trusted.
    """
    address = {name: value for name, value in address.items() if value is not None}
    try:
        connection: BoundedConnection = psycopg2.connect(
            connection_factory=BoundedConnection, **address
        )
    except psycopg2.Error as error:
        words = said(error)
        kind = of_message(CONNECTING, str(error)) or RetryableError
        raise kind(f"cannot connect to {server}: {words}") from None
    connection.address, connection.seconds = address, seconds
    if opened_for := label():
        connection.comment = opened_for.comment()
    return connection


def limit_statements(connection: BoundedConnection) -> None:
    """Let PostgreSQL end a statement that takes too long, or that nobody waits for any more.

    A shorter time that the server or the user has stays.

    :raises RetryableError: the server does not answer.
    """
    milliseconds = int(connection.seconds * 1000)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, %s, false) FROM pg_settings "
            "WHERE name = 'statement_timeout' AND setting::bigint NOT BETWEEN 1 AND %s",
            (str(milliseconds), milliseconds),
        )
        if connection.server_version >= WATCHES:
            with suppress(psycopg2.Error):  # some systems cannot watch
                cursor.execute("SET client_connection_check_interval = '5s'")
    connection.autocommit = False


def kind_of(error: psycopg2.Error) -> type[EtlError]:
    """Return which of our errors one of a statement is; without a SQLSTATE, no server said it."""
    if error.pgcode or isinstance(error, psycopg2.ProgrammingError | psycopg2.DataError):
        return of_sqlstate(error.pgcode or "XX000")
    return RetryableError


def our_error(server: str, error: psycopg2.Error) -> EtlError:
    """Return an error of a statement as one of ours."""
    words = said(error) or "the connection is closed"
    if "no message from the libpq" in words:
        words = "the connection was lost while rows were read"
    return kind_of(error)(f"{server}: {words}")
