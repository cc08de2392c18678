"""A session with Redshift through Amazon's own driver."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

from etl_framework.connections.label import label
from etl_framework.connections.redshift.session import (
    Address,
    Result,
    Session,
    grouped,
    limit,
    our_error,
    tell,
)
from etl_framework.errors import ConfigError, EtlError, MissingExtraError, RetryableError
from etl_framework.errors.failures import CONNECTING, of_message, of_sqlstate
from etl_framework.errors.secrets import said

_CONNECTING = threading.Lock()
# Redshift ends a statement first, and this side some seconds later.
LATER = 2.0


class ConnectorSession(Session):
    """One connection of redshift_connector, which always checks the server's certificate.

    :raises RetryableError: the cluster does not answer, or refuses.
    """

    def __init__(self, address: Address) -> None:
        try:
            import redshift_connector
        except ImportError as error:
            raise MissingExtraError("redshift_connector", "aws") from error
        if address.ssl_mode not in ("verify-full", "verify-ca"):
            raise ConfigError(
                f"redshift_connector knows no ssl_mode '{address.ssl_mode}'",
                hint="use verify-full or verify-ca, or the driver psycopg2",
            )
        bounds = address.bounds
        try:
            with _CONNECTING, _authorities(address):
                self._connection = redshift_connector.connect(
                    host=address.host,
                    port=address.port,
                    database=address.database,
                    user=address.user,
                    password=address.password,
                    ssl=True,
                    sslmode=address.ssl_mode,
                    timeout=bounds.connect_timeout,
                    tcp_keepalive_idle=bounds.network_timeout // 2,
                    tcp_keepalive_interval=bounds.network_timeout // 6,
                    tcp_keepalive_count=3,
                    application_name="etl-framework",
                )
        except (redshift_connector.Error, OSError) as error:
            words = _words(error)
            kind = of_message(CONNECTING, words) or RetryableError
            raise kind(f"cannot connect to Redshift: {said(words)}") from None
        self._why = ""
        self._seconds = float(bounds.statement_timeout)
        # Until now the time was that for connecting.
        self._connection._usock.settimeout(None)
        if option := getattr(socket, "TCP_USER_TIMEOUT", None):  # only Linux has it
            milliseconds = bounds.network_timeout * 1000
            self._connection._usock.setsockopt(socket.IPPROTO_TCP, option, milliseconds)
        self._connection.autocommit = True
        opened_for = label()
        self._comment = opened_for.comment() if opened_for else ""
        self.run(limit(bounds))
        if opened_for:
            self.run(grouped(opened_for))

    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        tell(sql)
        with self._in_time():
            cursor = self._connection.cursor()
            cursor.paramstyle = "qmark"
            cursor.execute(sql + self._comment, tuple(values) or None)
            if cursor.description is None:
                return Result([], [], max(cursor.rowcount, 0))
            columns = [
                column[0].decode() if isinstance(column[0], bytes) else column[0]
                for column in cursor.description
            ]
            return Result(columns, [tuple(row) for row in cursor.fetchall()])

    def cancel(self) -> None:
        """Break the connection, which ends the statement: the driver has no request to cancel."""
        self._cut("it was cancelled")

    def close(self) -> None:
        with self._in_time():
            self._connection.close()

    def _cut(self, why: str) -> None:
        self._why = self._why or why
        with suppress(OSError):
            # Closing alone would not wake the thread that reads from it.
            self._connection._usock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cut the connection if it takes too long, and turn the driver's errors into ours."""
        why = f"no answer within {self._seconds:g} seconds (statement_timeout)"
        timer = Timer(self._seconds + LATER, self._cut, [why])
        timer.daemon = True
        timer.start()
        try:
            with _our_errors():
                yield
        except EtlError as error:
            if self._why:
                raise RetryableError(f"Redshift: {self._why}") from error
            raise
        finally:
            timer.cancel()


@contextmanager
def _authorities(address: Address) -> Iterator[None]:
    """Set SSL_CERT_FILE: the driver takes authorities other than its own only from there."""
    if address.authorities is None:
        yield
        return
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(address.authorities)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before


@contextmanager
def _our_errors() -> Iterator[None]:
    import struct

    import redshift_connector

    try:
        yield
    except (redshift_connector.InterfaceError, OSError, struct.error, AttributeError) as error:
        raise our_error(error, _words(error), RetryableError) from error
    except redshift_connector.Error as error:
        argument = error.args[0] if error.args else ""
        code = argument.get("C") if isinstance(argument, dict) else "XX000"
        raise our_error(error, _words(error), of_sqlstate(code)) from error


def _words(error: Exception) -> str:
    """Return the message; the driver gives an error's fields as a dictionary."""
    argument = error.args[0] if error.args else ""
    if isinstance(argument, dict):
        return " ".join(str(argument[key]) for key in ("M", "D") if argument.get(key))
    return ": ".join(str(argument) for argument in error.args)
