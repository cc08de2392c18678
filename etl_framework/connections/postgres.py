"""PostgreSQL: by URL, or a server of our own from a Python wheel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from etl_framework.connections.base import Connection, inside
from etl_framework.connections.settings import resolve
from etl_framework.errors import ConfigError, MissingExtraError, RetryableError

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PostgresConnection


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
            reason = str(error).strip().split("\n")[0]
            raise RetryableError(f"cannot connect to PostgreSQL: {reason}") from None
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
