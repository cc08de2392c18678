"""The Redshift cluster that a step uses, and the tables of relations in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl_framework.columns import Column
from etl_framework.connections.redshift.session import Session
from etl_framework.engines.work import Work
from etl_framework.errors import RetryableError, StepError
from etl_framework.sql.quote import names, quote, quote_table, redshift_literal
from etl_framework.sql.tables import placed
from etl_framework.storage.manifest import write_manifest
from etl_framework.storage.s3 import S3Prefix

# Where relations are while a pipeline runs.
SCHEMA = "etl_staging"
# Redshift allows names of up to 127 bytes. A table's name has two parts of at most this length, a
# date and a token.
LONGEST_PART = 40


class Cluster:
    """A session in the cluster for one step.

    :param role: the IAM role that the cluster reads S3 with, or `default`.
    :param bucket: the prefix in S3 of the run's files.
    """

    def __init__(self, work: Work, session: Session, role: str, bucket: S3Prefix) -> None:
        self._work = work
        self._session = session
        self._schema = work.plan.workspace.place.beside(SCHEMA)
        self.bucket = bucket
        self.role = "default" if role == "default" else redshift_literal(role)

    def run(self, sql: str) -> int:
        """Run a statement and return the number of rows that it changed.

        :raises StepError: Redshift refused the statement.
        """
        return self._session.run(sql).changed

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries by column name."""
        result = self._session.run(sql)
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]

    def row(self, sql: str) -> tuple[Any, ...]:
        """Return the only row of a query."""
        return self._session.run(sql).rows[0]

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.row(f"SELECT COUNT(*) FROM {quote_table(table)}")[0])

    def new_table(self, columns: Sequence[Column] = ()) -> str:
        """Return a new name for a table of the step; if columns are given, create the table."""
        # etl_staging.shop__orders__20260105_0123456789ab
        plan, relation = self._work.plan, self._work.step.relation
        parts = [part[:LONGEST_PART] for part in (plan.pipeline.name, relation)]
        name = f"{'__'.join(parts)}__{datetime.now(UTC):%Y%m%d}_{secrets.token_hex(6)}"
        table = f"{self._schema}.{name}"
        if columns:
            listed = ", ".join(f"{quote(column.name)} {column.type}" for column in columns)
            self.run(f"CREATE TABLE {quote_table(table)} ({listed})")
        return table

    def has(self, table: str) -> bool:
        """Return whether a table exists."""
        return bool(self.columns(table))

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table, in order."""
        schema, _, name = table.rpartition(".")
        result = self._session.run(
            "SELECT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = ? "
            "AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (schema, name),
        )
        return [str(column) for (column,) in result.rows]

    def placed(self, sql: str, more: Mapping[str, str] | None = None) -> str:
        """Return a query with the names of relations replaced by their tables in the cluster.

        :param more: tables of other relations, or other tables for the step's inputs.
        """
        return placed(sql, {**tables(self._work), **(more or {})})

    def copy_parquet(self, table: str, columns: Sequence[Column], files: Sequence[str]) -> None:
        """Load files of this machine into a table; they are in S3 only while they are loaded."""
        if not files:
            return
        loads = self.bucket / "loads" / secrets.token_hex(8)
        named = {f"{number}.parquet": Path(file) for number, file in enumerate(files)}
        try:
            for name, file in named.items():
                loads.upload(file, name)
            sizes = [(loads.uri(name), file.stat().st_size) for name, file in named.items()]
            manifest = write_manifest(loads, "manifest", sizes)
            self.run(
                f"COPY {quote_table(table)} ({names([column.name for column in columns])}) "
                f"FROM {redshift_literal(manifest)} IAM_ROLE {self.role} "
                "FORMAT AS PARQUET MANIFEST STATUPDATE OFF"
            )
        finally:
            loads.delete([*named, "manifest"])

    def make_schema(self) -> None:
        """Create the schema for staging tables; another run may create it at the same time."""
        if not self._has_schema():
            try:
                self.run(f"CREATE SCHEMA IF NOT EXISTS {quote(self._schema)}")
            except (StepError, RetryableError):
                if not self._has_schema():
                    raise

    def _has_schema(self) -> bool:
        sql = "SELECT 1 FROM pg_namespace WHERE nspname = ?"
        return bool(self._session.run(sql, (self._schema,)).rows)


@contextmanager
def cluster(work: Work) -> Iterator[Cluster]:
    """Connect to the cluster of the step's environment.

    :raises RetryableError: the cluster does not answer.
    :raises StepError: the environment's staging is not in S3.
    """
    workspace = work.plan.workspace
    connection = workspace.environment.cluster()
    if work.run.remote is None:
        raise StepError("the engine redshift needs staging in S3")
    session = connection.open_session(workspace.root)
    work.on_cancel(session.cancel)
    try:
        cluster_session = Cluster(work, session, connection.role(), work.run.remote)
        cluster_session.make_schema()
        # What compares a moment with a local time means that of the pipeline, on all engines.
        cluster_session.run(f"SET timezone TO {redshift_literal(work.plan.pipeline.timezone)}")
        yield cluster_session
    finally:
        session.close()


def tables(work: Work) -> dict[str, str | list[str]]:
    """Return the table of every relation that the step reads; some have two."""
    found: dict[str, list[str]] = {}
    for relation, need in work.step.inputs:
        found.setdefault(relation, []).append(table_of(work, need))
    return {name: many if len(many) > 1 else many[0] for name, many in found.items()}


def table_of(work: Work, step: str) -> str:
    """Return the table that a step's result names; empty if the step has not finished."""
    outcome = work.run.step(step).outcome()
    return outcome.table if outcome else ""
