"""Write the rows that PostgreSQL's COPY sends to Parquet, while they arrive."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.errors import StepError
from etl_framework.sources.base import Extraction
from etl_framework.sources.postgres.fits import MISFIT, ROW
from etl_framework.sources.postgres.rejected import Misfits
from etl_framework.storage.parquet import arrow_writer

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg2.extensions import connection as PostgresConnection

BLOCK = 4 << 20


class CopyRead:
    """Reads a table with the columns that are declared."""

    def __init__(self, table: str, columns: Sequence[Column]) -> None:
        self._table = table
        self._columns = columns

    def into_parquet(
        self, connection: PostgresConnection, query: str, extraction: Extraction
    ) -> tuple[int, int]:
        """Write the rows of a query to Parquet; return how many were kept, and how many rejected.

        :param query: has the declared columns, and behind them MISFIT and ROW if rows may not fit.

        Another thread writes what COPY sends into a pipe, while this one reads from the pipe.

        :raises StepError: a value does not fit its column.
        """
        copy = f"COPY ({query}) TO STDOUT (FORMAT csv)"
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
                rows = self._write(pipe, extraction, MISFIT in query)
        finally:
            thread.join()
            if failures and not isinstance(failures[0], BrokenPipeError):
                raise failures[0]
        return rows

    def _write(self, pipe: IO[bytes], extraction: Extraction, may_not_fit: bool) -> tuple[int, int]:
        import pyarrow as pa
        import pyarrow.csv as csv

        schema = pa.schema([(column.name, column.type.arrow()) for column in self._columns])
        # In 32 bits, Arrow reads a number that is too large as infinity; in 64, `_hold` finds it.
        wide = {f.name: pa.float64() if f.type == pa.float32() else f.type for f in schema}
        if may_not_fit:
            wide |= {MISFIT: pa.int32(), ROW: pa.string()}
        misfits = Misfits(self._columns, extraction)
        rows = 0
        path = extraction.folder.part("data") / "0.parquet"
        with arrow_writer(path, schema) as file:
            try:
                batches = csv.open_csv(
                    pipe,
                    csv.ReadOptions(column_names=[*wide], block_size=BLOCK, use_threads=False),
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
                for arrived in batches:
                    batch = misfits.taken_from(arrived) if may_not_fit else arrived
                    self._hold(batch)
                    file.write_batch(batch.cast(schema))
                    rows += batch.num_rows
            except pa.ArrowInvalid as error:
                if "Empty CSV file" not in str(error):
                    raise self._too_big(str(error)) from error
        misfits.close()
        return rows, misfits.count

    def _hold(self, batch: pa.RecordBatch) -> None:
        """Refuse values that Arrow accepts although their columns cannot hold them.

        :raises StepError: a number has too many digits, a text too many bytes.
        """
        import pyarrow as pa
        import pyarrow.compute as compute

        for column, values in zip(self._columns, batch.columns, strict=True):
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
            column = self._columns[int(number[1])]
            reason = reason.partition(number[0])[2]
        place = f"column '{column.name}' ({column.type})" if column else "a column"
        return StepError(
            f"the table '{self._table}' holds a value that {place} cannot: {reason}",
            hint="declare the column with a wider type",
        )
