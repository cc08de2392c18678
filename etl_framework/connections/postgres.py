"""PostgreSQL: by URL, by Airflow connection, or a server of our own from a Python wheel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from etl_framework.connections.base import inside
from etl_framework.connections.bounds import Bounds
from etl_framework.connections.label import label
from etl_framework.connections.lookup import current, resolve
from etl_framework.errors import ConfigError, EtlError, MissingExtraError

if TYPE_CHECKING:
    from etl_framework.connections.libpq.session import BoundedConnection

# Further settings of an Airflow connection that are passed on to libpq.
OF_LIBPQ = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "options",
    "application_name",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn psycopg2's errors into ours; `failures` says which of them are worth another try.

    :raises RetryableError: the connection broke, or the server is busy.
    :raises StepError: the server refused the statement.
    """
    import psycopg2

    try:
        yield
    except psycopg2.Error as error:
        from etl_framework.connections.libpq.session import our_error

        raise our_error("PostgreSQL", error) from error


class Postgres(Bounds):
    """A PostgreSQL database: by `url`, by `conn_id`, or `embedded`, which the project starts."""

    type: Literal["postgres"]
    url: str | None = Field(
        None, description='Where it is, by reference: `"{{ env.MUSIC_RDS_URL }}"`.'
    )
    conn_id: str | None = Field(None, description="Airflow's connection: host, login and all.")
    embedded: str | None = Field(
        None, description="Folder for a server that is started when needed, from a Python wheel."
    )
    seed: str | None = Field(
        None,
        description="Folder with `schema.sql` and a CSV file per table, loaded when it changes.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Postgres:
        if len([way for way in (self.url, self.conn_id, self.embedded) if way]) != 1:
            raise ValueError("give one of 'url', 'conn_id' and 'embedded'")
        if self.seed and not self.embedded:
            raise ValueError(
                "'seed' is for an embedded server; it would overwrite tables elsewhere"
            )
        return self

    def connect(self, root: Path) -> BoundedConnection:
        """Open a connection; the caller closes it.

        :param root: the project's folder.
        :raises RetryableError: the server does not answer.
        :raises ConfigError: the server refuses, or the URL is none; the message has no secret.
        """
        try:
            from etl_framework.connections.libpq import session as libpq
        except ImportError as error:
            raise MissingExtraError("psycopg2", "postgres") from error
        opened_for = label()
        address = {
            "application_name": opened_for.application if opened_for else None,
            **self.of_libpq(),
            "client_encoding": "UTF8",
            **self._address(root),
        }
        connection = libpq.connect("PostgreSQL", address, self.statement_timeout)
        try:
            with our_errors():
                libpq.limit_statements(connection)
        except EtlError:
            connection.close()
            raise
        return connection

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        address = self._address(root)
        place = f"{address.get('host', 'localhost')}:{address.get('port', 5432)}"
        table = what if "." in what else f"public.{what}"
        return f"postgres://{place}", f"{address.get('dbname', 'postgres')}.{table}"

    def _address(self, root: Path) -> dict[str, Any]:
        """Return arguments for libpq; an Airflow connection uses TLS unless it says otherwise.

        :raises ConfigError: the URL is none.
        """
        if self.url:
            return _parsed(resolve(self.url, setting="url"))
        if self.conn_id:
            login = current().login(self.conn_id)
            if "@" in f"{login.host}{login.database}":
                raise _not_a_url(
                    f"the connection '{self.conn_id}' has an '@' in its host or schema"
                )
            address = {
                "host": login.host,
                "port": login.port,
                "dbname": login.database,
                "user": login.user,
                "password": login.password,
                "sslmode": "require",
            }
            address |= {name: login.extra[name] for name in OF_LIBPQ if name in login.extra}
            return {name: value for name, value in address.items() if value}
        from etl_framework.connections.embedded import running

        seed = inside(root, self.seed) if self.seed else None
        return _parsed(running(inside(root, str(self.embedded)), seed))


def _parsed(url: str) -> dict[str, Any]:
    """Return the parts of a URL, or of a DSN such as `host=db user=me`.

    :raises ConfigError: it cannot be parsed, or only with a part of the password as host.
    """
    from psycopg2 import ProgrammingError
    from psycopg2.extensions import parse_dsn

    # postgresql://me:pass@word@host/db: libpq takes the password to end at the first @ or /, and
    # would look for the rest as a host.
    end = re.search("[@/]", rest := url.partition("://")[2])
    behind = rest[end.end() :] if end else ""
    if "@" in behind.partition("?")[0]:
        raise _not_a_url("the URL of the connection has an '@' or a '/' in its user or password")
    try:
        return dict(parse_dsn(url))
    except ProgrammingError:
        raise _not_a_url("the URL of the connection is not a PostgreSQL URL") from None


def _not_a_url(problem: str) -> ConfigError:
    return ConfigError(
        problem,
        hint="postgresql://user:password@host:5432/database; in user and password, "
        "@ is written %40, / is %2F, and % is %25",
    )
