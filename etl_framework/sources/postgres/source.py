"""Rows of a PostgreSQL table, streamed through COPY into Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from etl_framework.columns import TABLE_NAME
from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.errors import DataMissingError, Diagnostic, StepError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.sources.base import Extracted, Extraction, Source
from etl_framework.sources.postgres.copy import CopyRead
from etl_framework.sources.postgres.types import TableType, refused, selected, types_of
from etl_framework.sql.quote import quote, quote_table

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

# With these settings, every server writes the same text for the same value.
SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; "
    "SET extra_float_digits = 3; SET bytea_output = 'hex'"
)


class PostgresSource(Source):
    """A table of a PostgreSQL database."""

    accepts = Postgres

    type: Literal["postgres"]
    table: str = Field(
        pattern=TABLE_NAME,
        examples=["tracks", "shop.orders"],
        description="The table, with its schema if it has one.",
    )
    where: str | None = Field(
        None,
        examples=["deleted_at IS NULL"],
        description="SQL condition; only rows that meet it are read.",
    )
    incremental_key: str | None = Field(
        None, description="A date or timestamp column; only rows of the data interval are read."
    )

    def reads(self) -> str:
        return self.table

    def state(self, extraction: Extraction) -> str | None:
        """The server's snapshot; equal snapshots see the same committed transactions."""
        connection = cast(Postgres, extraction.connection).connect(extraction.root)
        try:
            with our_errors(), connection.cursor() as cursor:
                cursor.execute("SELECT current_database() || ' ' || txid_current_snapshot()")
                (state,) = cursor.fetchone() or (None,)
                return cast("str | None", state)
        finally:
            connection.close()

    def extract(self, extraction: Extraction) -> Extracted:
        connection = cast(Postgres, extraction.connection).connect(extraction.root)
        extraction.on_cancel(connection.cancel)
        try:
            with our_errors():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    cursor.execute(SESSION)
                    types = self._types(cursor)
                    query = cursor.mogrify(*self._query(extraction.interval, types)).decode()
                kept = CopyRead(self.table, self.columns).into_parquet(
                    connection, query, extraction
                )
        finally:
            connection.close()
        if kept == 0 and not self.may_be_empty:
            raise DataMissingError(
                f"the table {self.table} has no rows for {extraction.interval}",
                hint="if that is right, write `may_be_empty: true`",
            )
        wanted = {column.name for column in self.columns}
        return Extracted(kept, 0, tuple(name for name in types if name not in wanted))

    def _types(self, cursor: Cursor) -> dict[str, TableType]:
        """The name and type of every column of the table.

        :raises DataMissingError: the table or a declared column does not exist.
        :raises StepError: a declared type cannot hold the values of the table's column.
        """
        types = types_of(cursor, quote_table(self.table))
        if not types:
            raise DataMissingError(
                f"there is no table '{self.table}' in connection '{self.connection}'",
                hint="check the name, its schema, and that the user may see it",
            )
        wanted = [column.name for column in self.columns]
        if self.incremental_key:
            wanted.append(self.incremental_key)
        missing = [name for name in wanted if name not in types]
        if missing:
            raise DataMissingError(
                f"the table '{self.table}' has no column {', '.join(map(repr, missing))}",
                hint=did_you_mean(missing[0], types),
            )
        if wrong := list(refused(self.columns, types)):
            raise StepError(
                Diagnostic("", 0, 0, StepError.code, f"the table '{self.table}': {message}", hint)
                for message, hint in wrong
            )
        return types

    def _query(
        self, interval: DataInterval, types: dict[str, TableType]
    ) -> tuple[str, tuple[object, ...] | None]:
        # SELECT "id", "at"::timestamp AS "at" FROM "shop"."orders"
        # WHERE (deleted_at IS NULL) AND "at" >= %s AND "at" < %s
        columns = ", ".join(selected(column, types) for column in self.columns)
        conditions = [f"({self.where})"] if self.where else []
        values: tuple[object, ...] | None = None
        if self.incremental_key:
            # psycopg2 takes a % as a placeholder only if it is given values.
            conditions = [condition.replace("%", "%%") for condition in conditions]
            key = quote(self.incremental_key)
            conditions.append(f"{key} >= %s AND {key} < %s")
            zoned = types[self.incremental_key].name == "timestamp with time zone"
            bounds = (interval.start, interval.end)
            values = bounds if zoned else tuple(bound.replace(tzinfo=None) for bound in bounds)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {columns} FROM {quote_table(self.table)}{where}", values
