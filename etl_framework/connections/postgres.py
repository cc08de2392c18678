"""PostgreSQL: by URL, by Airflow connection, or a server of our own from a Python wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from etl_framework.connections.base import Connection, inside
from etl_framework.connections.lookup import current, resolve
from etl_framework.errors import ConfigError, MissingExtraError, RetryableError, StepError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PostgresConnection

# Further settings of an Airflow connection that are passed on to libpq.
OF_LIBPQ = (
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "options",
    "application_name",
    "keepalives_idle",
)


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn psycopg2's errors into ours; only a lost connection is worth another try.

    :raises RetryableError: the connection broke.
    :raises StepError: the server refused the statement.
    """
    import psycopg2

    try:
        yield
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise RetryableError(f"PostgreSQL: {_first_line(error)}") from error
    except psycopg2.Error as error:
        raise StepError(f"PostgreSQL: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "the connection is closed").split("\n")[0]


class Postgres(Connection):
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

    def connect(self, root: Path) -> PostgresConnection:
        """Open a connection; the caller closes it.

        :param root: the project's folder.
        :raises RetryableError: the server does not answer or refuses; the message has no secret.
        """
        try:
            import psycopg2
        except ImportError as error:
            raise MissingExtraError("psycopg2", "postgres") from error
        try:
            connection: PostgresConnection = psycopg2.connect(
                **self._address(root), connect_timeout=10
            )
            connection.set_client_encoding("UTF8")
        except psycopg2.OperationalError as error:
            raise RetryableError(f"cannot connect to PostgreSQL: {_first_line(error)}") from None
        except psycopg2.ProgrammingError:
            # Its message repeats the URL with the password.
            raise ConfigError(
                "the URL of the connection is not a PostgreSQL URL",
                hint="postgresql://user:password@host:5432/database",
            ) from None
        return connection

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        from psycopg2.extensions import parse_dsn

        address = self._address(root)
        address = parse_dsn(address["dsn"]) if "dsn" in address else address
        place = f"{address.get('host', 'localhost')}:{address.get('port', 5432)}"
        table = what if "." in what else f"public.{what}"
        return f"postgres://{place}", f"{address.get('dbname', 'postgres')}.{table}"

    def _address(self, root: Path) -> dict[str, Any]:
        """Return arguments for libpq; an Airflow connection uses TLS unless it says otherwise."""
        if self.url:
            return {"dsn": resolve(self.url, setting="url")}
        if self.conn_id:
            login = current().login(self.conn_id)
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
        return {"dsn": running(inside(root, str(self.embedded)), seed)}
