"""Rows of a PostgreSQL table, streamed through COPY into Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field, model_validator

from etl_framework.columns import TABLE_NAME
from etl_framework.connections.base import Connection
from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.errors import DataMissingError, Diagnostic, StepError, did_you_mean
from etl_framework.interval import DataInterval, Span
from etl_framework.model import wrong_at
from etl_framework.sources.base import ALL, Extracted, Extraction, Source
from etl_framework.sources.columns import SourceColumns
from etl_framework.sources.postgres.copy import CopyRead
from etl_framework.sources.postgres.fits import columns_and_misfits
from etl_framework.sources.postgres.placed import Placed
from etl_framework.sources.postgres.proof import proof
from etl_framework.sources.postgres.types import TableType, refused, types_of
from etl_framework.sql.quote import quote, quote_table

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

# With these settings, every server writes the same text for the same value.
SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; "
    "SET extra_float_digits = 3; SET bytea_output = 'hex'"
)


ROW_SECURITY = "row_security"


class PostgresSource(Source):
    """A table of a PostgreSQL database."""

    accepts = Postgres

    type: Literal["postgres"]
    table: str = Field(
        pattern=TABLE_NAME,
        examples=["tracks", "shop.orders"],
        description="The table, with its schema if it has one.",
    )
    columns: SourceColumns = Field(  # type: ignore[assignment]
        min_length=1, description="The columns to read, with their types."
    )
    where: str | None = Field(
        None,
        examples=["deleted_at IS NULL"],
        description="SQL condition; only rows that meet it are read.",
    )
    incremental_key: str | None = Field(
        None, description="A date or timestamp column; only rows of the data interval are read."
    )
    updated_at: str | None = Field(
        None,
        examples=["changed_at"],
        description="A date or timestamp column that says when a row changed last: rows are read"
        " that have changed since the last published data interval before this one, or all where"
        " there is none.",
    )
    on_null_key: Literal["fail", "include", "quarantine"] = Field(
        "fail",
        description="What a row without `incremental_key` or `updated_at` does, which belongs to no"
        " data interval: it stops the run, or every interval reads it, or every one rejects it.",
    )
    lookback: Span | None = Field(
        None,
        examples=["3d"],
        description="How far back `etl run` looks for rows that came late. With `incremental_key`"
        " it counts those of earlier data intervals, and runs the changed ones again; with"
        " `updated_at` each run reads rows again that have changed so long before that.",
    )

    @model_validator(mode="after")
    def _needs_the_key(self) -> PostgresSource:
        names = {column.name for column in self.columns}
        for name in ("on_null_key", "lookback") if not self.placed_by else ():
            if name in self.model_fields_set:
                raise wrong_at(f"'{name}' needs 'incremental_key' or 'updated_at'", name)
        if self.incremental_key and self.updated_at:
            message = "rows are placed by 'incremental_key' or by 'updated_at', not by both"
            raise wrong_at(message, "updated_at")
        if self.on_null_key == "quarantine" and self.placed_by not in names:
            message = f"a row is rejected by a column, and '{self.placed_by}' is not declared"
            raise wrong_at(message, "on_null_key")
        return self

    @property
    def placed_by(self) -> str | None:
        """The column that says which data interval a row belongs to."""
        return self.incremental_key or self.updated_at

    def by_interval(self) -> bool | None:
        return self.placed_by is not None

    def gives_changes(self) -> bool:
        return self.updated_at is not None

    def reads(self) -> str:
        return self.table

    def state(self, extraction: Extraction) -> str | None:
        """What the server has committed, if the rows depend on nothing else."""
        connection = cast(Postgres, extraction.connection).connect(extraction.root)
        extraction.on_cancel(connection.cancel)
        try:
            with our_errors(), connection.cursor() as cursor:
                same = proof(cursor, self.table, self.where)
                return same and f"{same} {extraction.since}"
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
                    warnings = tuple(self._hidden_rows(cursor))
                    start = self._start(extraction)
                    query = self._query(cursor, start, extraction.interval, types)
                kept, rejected = CopyRead(self.table, self.columns).into_parquet(
                    connection, query, extraction
                )
        finally:
            connection.close()
        if kept + rejected == 0 and not self.may_be_empty:
            raise DataMissingError(
                f"the table {self.table} has no rows for {extraction.interval}",
                hint="if that is right, write `may_be_empty: true`",
            )
        wanted = {column.there for column in self.columns}
        new = tuple(name for name in types if name not in wanted)
        since = extraction.since.isoformat() if extraction.since else ALL
        read = Extracted(kept, rejected, new, warnings=warnings)
        return replace(read, since=since) if self.updated_at else read

    def _hidden_rows(self, cursor: Cursor) -> Iterator[tuple[str, str]]:
        """A warning if policies of the table hide rows from the user who reads it."""
        cursor.execute(
            "SELECT current_user WHERE row_security_active(%s::regclass)",
            (quote_table(self.table),),
        )
        for (user,) in cursor.fetchall():
            yield ROW_SECURITY, f"active for {user}: rows that its policies hide are not read"

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
        wanted = [column.there for column in self.columns]
        if self.placed_by:
            wanted.append(self._key())
        missing = [name for name in wanted if name not in types]
        if missing:
            raise DataMissingError(
                f"the table '{self.table}' has no column {', '.join(map(repr, missing))}",
                hint=did_you_mean(missing[0], types),
            )
        if wrong := list(refused(self.columns, self._here(types))):
            raise StepError(
                Diagnostic("", 0, 0, StepError.code, f"the table '{self.table}': {message}", hint)
                for message, hint in wrong
            )
        return types

    def _here(self, types: dict[str, TableType]) -> dict[str, TableType]:
        """The types by the names that the columns have here."""
        return {column.name: types[column.there] for column in self.columns}

    def _key(self) -> str:
        """What the table calls the column that places its rows."""
        there = {column.name: column.there for column in self.columns}
        return there.get(str(self.placed_by), str(self.placed_by))

    def looks_back(self) -> Span | None:
        return self.lookback if self.incremental_key else None

    def rows_of(
        self, connection: Connection, root: Path, intervals: Sequence[DataInterval]
    ) -> list[int]:
        with (
            closing(cast(Postgres, connection).connect(root)) as opened,
            our_errors(),
            opened.cursor() as cursor,
        ):
            return self._placed(self._types(cursor)).counts(cursor, intervals)

    def _placed(self, types: dict[str, TableType]) -> Placed:
        key, takes_null = self._key(), self.on_null_key != "fail"
        zoned = types[key].name == "timestamp with time zone"
        return Placed(self.table, key, zoned, self.where or "", takes_null)

    def _start(self, extraction: Extraction) -> datetime | None:
        """From when on rows are read; None for all of them before the interval's end."""
        start = extraction.interval.start
        if not self.updated_at:
            return start
        back = timedelta(seconds=self.lookback.seconds if self.lookback else 0)
        return extraction.since and extraction.since.astimezone(start.tzinfo) - back

    def _query(
        self,
        cursor: Cursor,
        start: datetime | None,
        interval: DataInterval,
        types: dict[str, TableType],
    ) -> str:
        # SELECT "id", "at"::timestamp AS "at" FROM "shop"."orders"
        # WHERE (deleted_at IS NULL) AND "at" >= '2024-06-25' AND "at" < '2024-06-26'
        conditions = [f"({self.where})"] if self.where else []
        if self.placed_by:
            placed = self._placed(types)
            if self.on_null_key == "fail":
                placed.refuse_null(cursor)
            conditions.append(placed.condition(cursor, start, interval.end))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rest = f"FROM {quote_table(self.table)}{where}"
        if any(column.from_ for column in self.columns):
            # FROM (SELECT "Order ID" AS "order_id" FROM "shop"."orders") AS etl_renamed
            renamed = ", ".join(f"{quote(c.there)} AS {quote(c.name)}" for c in self.columns)
            rest = f"FROM (SELECT {renamed} {rest}) AS etl_renamed"
        needed = self.placed_by if self.on_null_key == "quarantine" else None
        return columns_and_misfits(self.columns, self._here(types), rest, needed)
