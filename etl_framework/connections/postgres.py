"""PostgreSQL: by URL, or a server of our own from a Python wheel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from etl_framework.connections.base import Connection, inside
from etl_framework.connections.settings import resolve
from etl_framework.errors import ConfigError, MissingExtraError, RetryableError, StepError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PostgresConnection


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn psycopg2's errors into ours: a lost connection may be tried again, all else may not.

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
    """A PostgreSQL database; give `url`, or `embedded` for one that this project starts itself."""

    type: Literal["postgres"]
    url: str | None = Field(
        None, description='Where it is, by reference: `"{{ env.MUSIC_RDS_URL }}"`.'
    )
    embedded: str | None = Field(
        None, description="Folder for a server that is started when needed, from a Python wheel."
    )
    seed: str | None = Field(
        None,
        description="Folder with `schema.sql` and a CSV file per table, loaded when it changes.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Postgres:
        if (self.url is None) == (self.embedded is None):
            raise ValueError("give either 'url' or 'embedded'")
        if self.seed and not self.embedded:
            raise ValueError(
                "'seed' is for an embedded server; it would overwrite tables elsewhere"
            )
        return self

    def connect(self, root: Path) -> PostgresConnection:
        """A connection; the caller closes it.

        :param root: the project's folder.
        :raises RetryableError: the server does not answer or refuses; the text holds no secret.
        """
        try:
            import psycopg2
        except ImportError as error:
            raise MissingExtraError("psycopg2", "postgres") from error
        try:
            connection = psycopg2.connect(self._url(root), connect_timeout=10)
            connection.set_client_encoding("UTF8")
        except psycopg2.OperationalError as error:
            raise RetryableError(f"cannot connect to PostgreSQL: {_first_line(error)}") from None
        except psycopg2.ProgrammingError:
            # Its message repeats the URL, password and all.
            raise ConfigError(
                "the URL of the connection is not a PostgreSQL URL",
                hint="postgresql://user:password@host:5432/database",
            ) from None
        return connection

    def _url(self, root: Path) -> str:
        if self.url:
            return resolve(self.url, setting="url")
        from etl_framework.connections.embedded import running

        seed = inside(root, self.seed) if self.seed else None
        return running(inside(root, str(self.embedded)), seed)
