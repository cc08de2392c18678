"""A session with Redshift through psycopg2."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
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
from etl_framework.errors import MissingExtraError


class Psycopg2Session(Session):
    """One connection of psycopg2.

    :raises RetryableError: the cluster does not answer, or refuses.
    """

    def __init__(self, address: Address) -> None:
        try:
            from etl_framework.connections.libpq import session as libpq
        except ImportError as error:
            raise MissingExtraError("psycopg2", "postgres") from error
        authorities = address.authorities
        if not authorities and address.ssl_mode.startswith("verify"):
            authorities = Path(os.environ.get("PGSSLROOTCERT") or amazons())
        arguments = {
            "host": address.host,
            "port": address.port,
            "dbname": address.database,
            "user": address.user,
            "password": address.password,
            "sslmode": address.ssl_mode,
            "sslrootcert": str(authorities) if authorities else None,
            "application_name": "etl-framework",
            **address.bounds.of_libpq(),
        }
        seconds = address.bounds.statement_timeout
        self._connection = libpq.connect("Redshift", arguments, seconds)
        self._connection.autocommit = True
        self.run(limit(address.bounds))
        if opened_for := label():
            self.run(grouped(opened_for))

    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        tell(sql)
        with _our_errors(), self._connection.cursor() as cursor:
            # psycopg2 looks for % only if values are given.
            text = sql.replace("%", "%%").replace("?", "%s") if values else sql
            cursor.execute(text, tuple(values) or None)
            if cursor.description is None:
                return Result([], [], max(cursor.rowcount, 0))
            return Result([column.name for column in cursor.description], cursor.fetchall())

    def cancel(self) -> None:
        self._connection.cancel()

    def close(self) -> None:
        self._connection.close()


@contextmanager
def _our_errors() -> Iterator[None]:
    import psycopg2

    try:
        yield
    except psycopg2.Error as error:
        from etl_framework.connections.libpq.session import kind_of

        raise our_error(error, str(error) or "the connection is closed", kind_of(error)) from error


def amazons() -> Path:
    """Return the file of the authorities that sign Amazon's certificates; botocore has it."""
    try:
        import botocore
    except ImportError as error:
        raise MissingExtraError("boto3", "aws") from error
    return Path(botocore.__file__).parent / "cacert.pem"
