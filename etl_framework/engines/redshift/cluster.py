"""The cluster that a step works in, and the tables that its relations are there."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl_framework.columns import Column
from etl_framework.connections.redshift.session import Session
from etl_framework.engines.redshift.engine import SCHEMA
from etl_framework.engines.work import Work
from etl_framework.errors import RetryableError, StepError
from etl_framework.sql.placing import placed
from etl_framework.sql.quote import names, quote, quote_table, redshift_literal
from etl_framework.storage.manifest import write_manifest
from etl_framework.storage.s3 import S3Prefix

# A name of 127 bytes is the longest; the parts of a table's name leave room for each other.
LONGEST_PART = 40
_MADE = re.compile(r"__(\d{8})_[0-9a-f]{12}$")


class Cluster:
    """A session for one step.

    :param bucket: where the run's files are in S3.
    """

    def __init__(self, work: Work, session: Session, role: str, bucket: S3Prefix) -> None:
        self._work = work
        self._session = session
        self.bucket = bucket
        self.role = "default" if role == "default" else redshift_literal(role)

    def run(self, sql: str) -> int:
        """Run a statement; returns the rows it changed.

        :raises StepError: Redshift refused it.
        """
        return self._session.run(sql).changed

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a query, by column."""
        found = self._session.run(sql)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def row(self, sql: str) -> tuple[Any, ...]:
        """The only row of a query."""
        return self._session.run(sql).rows[0]

    def count(self, table: str) -> int:
        """The rows of a table."""
        return int(self.row(f"SELECT COUNT(*) FROM {quote_table(table)}")[0])

    def new_table(self, columns: Sequence[Column] = ()) -> str:
        """The name of a table for what the step makes; with columns, it is made."""
        plan, relation = self._work.plan, self._work.step.relation
        parts = [part[:LONGEST_PART] for part in (plan.pipeline.name, relation)]
        name = f"{'__'.join(parts)}__{datetime.now(UTC):%Y%m%d}_{secrets.token_hex(6)}"
        table = f"{SCHEMA}.{name}"
        if columns:
            listed = ", ".join(f"{quote(column.name)} {column.type}" for column in columns)
            self.run(f"CREATE TABLE {quote_table(table)} ({listed})")
        return table

    def has(self, table: str) -> bool:
        """Whether a table is there."""
        return bool(self.columns(table))

    def columns(self, table: str) -> list[str]:
        """The columns of a table, in order."""
        schema, _, name = table.rpartition(".")
        found = self._session.run(
            "SELECT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = ? "
            "AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            (schema, name),
        )
        return [str(column) for (column,) in found.rows]

    def placed(self, sql: str, more: Mapping[str, str] | None = None) -> str:
        """A query of the step over the tables of the relations that it reads.

        :param more: tables that take the place of relations.
        """
        return placed(sql, {**tables(self._work), **(more or {})})

    def copy_parquet(self, table: str, columns: Sequence[Column], files: Sequence[str]) -> None:
        """Load files of this machine; they leave S3 again afterwards."""
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
        """Make the schema for staging tables, which another run may be doing too."""
        if not self._has_schema():
            try:
                self.run(f"CREATE SCHEMA IF NOT EXISTS {quote(SCHEMA)}")
            except (StepError, RetryableError):
                if not self._has_schema():
                    raise

    def _has_schema(self) -> bool:
        sql = "SELECT 1 FROM pg_namespace WHERE nspname = ?"
        return bool(self._session.run(sql, (SCHEMA,)).rows)


def drop_old_tables(session: Session, before: datetime) -> int:
    """Drop staging tables that were made on a day before one; returns how many."""
    found = session.run(
        "SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE n.nspname = ? AND c.relkind = 'r'",
        (SCHEMA,),
    )
    day = f"{before:%Y%m%d}"
    names_ = [str(name) for (name,) in found.rows]
    old = [name for name in names_ if (made := _MADE.search(name)) and made[1] < day]
    for name in old:
        session.run(f"DROP TABLE IF EXISTS {quote(SCHEMA)}.{quote(name)}")
    return len(old)


@contextmanager
def cluster(work: Work) -> Iterator[Cluster]:
    """The cluster of the step's environment, connected.

    :raises RetryableError: it does not answer.
    :raises StepError: the environment's staging is not in S3.
    """
    workspace = work.plan.workspace
    connection = workspace.environment.cluster()
    if work.run.remote is None:
        raise StepError("the engine redshift needs staging in S3")
    session = connection.open_session(workspace.root)
    work.on_cancel(session.cancel)
    try:
        found = Cluster(work, session, connection.role(), work.run.remote)
        found.make_schema()
        yield found
    finally:
        session.close()


def tables(work: Work) -> dict[str, str]:
    """The table of each relation that the step reads."""
    return {relation: table_of(work, need) for relation, need in work.step.inputs}


def table_of(work: Work, step: str) -> str:
    """The table that a step's result names."""
    outcome = work.run.step(step).outcome()
    return outcome.table if outcome else ""
