"""Rows of a PostgreSQL table, streamed through COPY into Parquet."""

from __future__ import annotations

import os
import re
import threading
from typing import IO, TYPE_CHECKING, Literal, cast

from pydantic import Field

from etl_framework.columns import TABLE_NAME, Column
from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.errors import DataMissingError, StepError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.sources.base import Extracted, Extraction, Source
from etl_framework.sql.quote import names, quote, quote_table

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg2.extensions import connection as PostgresConnection
    from psycopg2.extensions import cursor as Cursor

BLOCK = 4 << 20
# The same text for the same value, whatever the server's settings are.
SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'iso_8601'; "
    "SET extra_float_digits = 3; SET bytea_output = 'hex'"
)


class PostgresSource(Source):
    """A table of a PostgreSQL database."""

    accepts = Postgres

    type: Literal["postgres"]
    table: str = Field(pattern=TABLE_NAME, description="The table, with its schema if it has one.")
    where: str | None = Field(None, description="SQL condition; only rows that meet it are read.")
    incremental_key: str | None = Field(
        None, description="A date or timestamp column; only rows of the data interval are read."
    )

    def state(self, extraction: Extraction) -> str | None:
        """The server's snapshot: two equal ones see the same committed transactions."""
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
                kept = self._stream(
                    connection, f"COPY ({query}) TO STDOUT (FORMAT csv)", extraction
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

    def _types(self, cursor: Cursor) -> dict[str, str]:
        """Name and type of each column the table has.

        :raises DataMissingError: the table is not there, or declared columns are not.
        """
        cursor.execute(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            (quote_table(self.table),),
        )
        types = dict(cursor.fetchall())
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
        return types

    def _query(
        self, interval: DataInterval, types: dict[str, str]
    ) -> tuple[str, tuple[object, ...] | None]:
        columns = names([column.name for column in self.columns])
        conditions = [f"({self.where})"] if self.where else []
        values: tuple[object, ...] | None = None
        if self.incremental_key:
            # psycopg2 looks for % only where values are given.
            conditions = [condition.replace("%", "%%") for condition in conditions]
            key = quote(self.incremental_key)
            conditions.append(f"{key} >= %s AND {key} < %s")
            zoned = types[self.incremental_key] == "timestamp with time zone"
            bounds = (interval.start, interval.end)
            values = bounds if zoned else tuple(bound.replace(tzinfo=None) for bound in bounds)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"SELECT {columns} FROM {quote_table(self.table)}{where}", values

    def _stream(self, connection: PostgresConnection, copy: str, extraction: Extraction) -> int:
        """Let one thread write into a pipe what COPY sends, while this one makes Parquet of it."""
        reader, writer = os.pipe()
        failures: list[BaseException] = []

        def send() -> None:
            try:
                with os.fdopen(writer, "wb") as pipe, connection.cursor() as cursor:
                    cursor.copy_expert(copy, pipe, size=1 << 20)
            except BaseException as error:  # noqa: BLE001 - raised again by the reading thread
                failures.append(error)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        try:
            with os.fdopen(reader, "rb") as pipe:
                rows = self._write(pipe, extraction)
        finally:
            thread.join()
            if failures and not isinstance(failures[0], BrokenPipeError):
                raise failures[0]
        return rows

    def _write(self, pipe: IO[bytes], extraction: Extraction) -> int:
        import pyarrow as pa
        import pyarrow.csv as csv
        import pyarrow.parquet as parquet

        schema = pa.schema([(column.name, column.type.arrow()) for column in self.columns])
        # Arrow makes infinity of a number too large for 32 bits; read with 64 it can be told.
        wide = {f.name: pa.float64() if f.type == pa.float32() else f.type for f in schema}
        rows = 0
        path = extraction.folder.part("data") / "0.parquet"
        with parquet.ParquetWriter(path, schema) as file:
            try:
                batches = csv.open_csv(
                    pipe,
                    csv.ReadOptions(column_names=schema.names, block_size=BLOCK, use_threads=False),
                    csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                    csv.ConvertOptions(
                        column_types=wide,
                        null_values=[""],
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=False,
                        true_values=["t"],
                        false_values=["f"],
                    ),
                )
                for batch in batches:
                    self._hold(batch)
                    file.write_batch(batch.cast(schema))
                    rows += batch.num_rows
            except pa.ArrowInvalid as error:
                if "Empty CSV file" not in str(error):
                    raise self._too_big(str(error)) from error
        return rows

    def _hold(self, batch: pa.RecordBatch) -> None:
        """Refuse values that Arrow took although their columns cannot hold them.

        :raises StepError: a number has too many digits, a text too many bytes.
        """
        import pyarrow as pa
        import pyarrow.compute as compute

        for column, values in zip(self.columns, batch.columns, strict=True):
            if column.type.family == "text":
                lengths = compute.binary_length(values)  # type: ignore[call-overload]
                longest = compute.max(lengths).as_py() or 0
                if longest > column.type.arguments[0]:
                    raise self._too_big(f"a text of {longest} bytes", column)
            elif column.type.name == "real":
                narrow = values.cast(pa.float32(), safe=False)
                if compute.is_inf(narrow).sum() != compute.is_inf(values).sum():
                    raise self._too_big("a number over 3.4e38", column)
            elif column.type.family == "decimal":
                try:
                    values.validate(full=True)
                except pa.ArrowInvalid as error:
                    raise self._too_big(str(error), column) from error

    def _too_big(self, reason: str, column: Column | None = None) -> StepError:
        number = re.search(r"In CSV column #(\d+): ", reason)
        if number:
            column = self.columns[int(number[1])]
            reason = reason.partition(number[0])[2]
        place = f"column '{column.name}' ({column.type})" if column else "a column"
        return StepError(
            f"the table '{self.table}' holds a value that {place} cannot: {reason}",
            hint="declare the column with a wider type",
        )
