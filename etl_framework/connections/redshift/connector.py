"""A session with Redshift through Amazon's own driver."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from etl_framework.connections.redshift.session import (
    Address,
    Result,
    Session,
    our_error,
    tell,
)
from etl_framework.errors import ConfigError, MissingExtraError, RetryableError

_CONNECTING = threading.Lock()


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
                    timeout=None,
                    application_name="etl-framework",
                )
        except (redshift_connector.Error, OSError) as error:
            raise RetryableError(f"cannot connect to Redshift: {_said(error)}") from None
        self._connection.autocommit = True

    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        tell(sql)
        with _our_errors():
            cursor = self._connection.cursor()
            cursor.paramstyle = "qmark"
            cursor.execute(sql, tuple(values) or None)
            if cursor.description is None:
                return Result([], [], max(cursor.rowcount, 0))
            columns = [
                column[0].decode() if isinstance(column[0], bytes) else column[0]
                for column in cursor.description
            ]
            return Result(columns, [tuple(row) for row in cursor.fetchall()])

    def cancel(self) -> None:
        """Break the connection, which ends the statement: the driver has no request to cancel."""
        with suppress(OSError):
            # Closing alone would not wake the thread that reads from it.
            self._connection._usock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with _our_errors():
            self._connection.close()


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
        raise our_error(error, _said(error), lost=True) from error
    except redshift_connector.Error as error:
        raise our_error(error, _said(error), lost=False) from error


def _said(error: Exception) -> str:
    """Return the message; the driver gives an error's fields as a dictionary."""
    argument = error.args[0] if error.args else ""
    if isinstance(argument, dict):
        return " ".join(str(argument[key]) for key in ("M", "D") if argument.get(key))
    return str(argument)
