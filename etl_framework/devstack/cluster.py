"""A server that speaks Redshift's protocol, with a PostgreSQL behind it.

It does not imitate: how rows are distributed, sorted and compressed, and therefore the speed;
concurrency scaling, queues and their limits; Spectrum, data sharing, materialized views, machine
learning, stored procedures, Python functions; navigation in SUPER values; MERGE ... REMOVE
DUPLICATES; COPY of JSON, AVRO, ORC and fixed widths; PIVOT, UNPIVOT, EXCLUDE, APPROXIMATE, GROUP
BY ALL, and functions such as MONTHS_BETWEEN and NEXT_DAY, which it says itself. PostgreSQL
isolates transactions by row, Redshift by table. The optimizer and the messages of rare errors are
PostgreSQL's.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Literal

from etl_framework.devstack.copy_csv import Failed
from etl_framework.devstack.objects import Objects
from etl_framework.devstack.postgres_server import PostgresServer
from etl_framework.devstack.query_history import QueryHistory
from etl_framework.devstack.rewrite import rewriter, split
from etl_framework.devstack.session import Session, Work
from etl_framework.devstack.wire import Channel, connect, packed
from etl_framework.sql.quote import literal

Isolation = Literal["serializable", "snapshot"]
SYSTEM = [Path(__file__).with_name(name) for name in ("system.sql", "functions.sql")]


@dataclass
class Cluster(PostgresServer):
    """The stand-in for one cluster.

    :param client: a boto3 client for S3.
    :param fault: is called with each statement before it runs; see Session.
    """

    client: Any = None
    roles: frozenset[str] = frozenset()
    isolation: Isolation = "snapshot"
    fault: Callable[[str], bool] = lambda sql: False
    _queries: QueryHistory = field(default_factory=QueryHistory)

    def start(self) -> int:
        """Listen on a free port of the loopback; returns the port."""
        self._prepare()
        return super().start()

    def empty(self) -> None:
        """Drop every table."""
        with self._backend() as session:
            schemas = session.ask(
                "SELECT quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' "
                "AND nspname NOT IN ('information_schema', 'redshift')"
            )
            for (schema,) in schemas:
                session.ask(f"DROP SCHEMA {schema} CASCADE")
            session.ask("CREATE SCHEMA public; TRUNCATE redshift.load_errors, redshift.queries")

    def _prepare(self) -> None:
        with self._backend() as session:
            for file in SYSTEM:
                session.ask(file.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def _backend(self) -> Any:
        """Open a session without a client, for our own statements."""
        backend, _, _ = connect(self.postgres, "postgres", self.database, "")
        try:
            yield Session(backend, backend, lambda sql, _: None, split)  # type: ignore[arg-type, return-value]
        finally:
            backend.close()

    def _serve_client(self, client: Channel) -> None:
        level = "serializable" if self.isolation == "serializable" else "repeatable\\ read"
        options = (
            f"-c default_transaction_isolation={level} -c search_path=public,redshift "
            "-c standard_conforming_strings=off -c escape_string_warning=off"
        )
        backend, seen, _ = connect(self.postgres, "postgres", self.database, options)
        self._open.add(client)
        told = [message for message in seen if b"server_version\0" not in message]
        client.send(*told[:-1], packed(b"S", b"server_version\x008.0.2\0"), told[-1])
        self.session(client, backend).run()
        self._open.discard(client)

    def session(self, client: Channel, backend: Channel) -> Session:
        """Return the session that serves a client over a connection to PostgreSQL."""
        objects = Objects(self.client, self.roles, self._keep_failed)
        rewrite = rewriter(objects)

        def remembering(sql: str, session: Session) -> Work:
            if "sys_query_" in sql.lower():
                with self._backend() as own:
                    self._queries.write(own.ask)
            return rewrite(sql, session)

        ended = self._queries.observer()
        return Session(client, backend, remembering, split, lambda sql: self.fault(sql), ended)

    def _keep_failed(self, table: int, failed: Sequence[Failed]) -> None:
        """Record rows that COPY could not load, on a connection that no rollback affects."""
        columns = "file_name, line_number, column_name, column_type, record_line, error_value"
        with self._backend() as session:
            for start in range(0, len(failed), 500):
                rows = ", ".join(
                    literal((table, *map(_printable, astuple(row))))
                    for row in failed[start : start + 500]
                )
                # INSERT INTO redshift.load_errors (table_id, file_name, line_number, ...)
                # VALUES (16401, 's3://lake/plays.csv', 7, ...), (16401, ...)
                session.ask(
                    f"INSERT INTO redshift.load_errors (table_id, {columns}, error_code, "
                    f"error_message) VALUES {rows}"
                )


def _printable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "?")
    return value
