"""The rows of a table that do not fit: kept aside while rows arrive, then written with reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column
from etl_framework.sources.base import Extraction
from etl_framework.sources.postgres.fits import MISFIT, ROW, advice
from etl_framework.storage.parquet import arrow_writer, as_path
from etl_framework.storage.records import write_records
from etl_framework.storage.rejected import FACTS, PARSE, identified, keep

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

BATCH = 1000


class Misfits:
    """The rows of a table that do not fit its declared columns."""

    def __init__(self, columns: Sequence[Column], extraction: Extraction) -> None:
        self._columns = columns
        self._extraction = extraction
        self._draft = extraction.folder.path / "misfits.parquet"
        self._writer: ParquetWriter | None = None
        self.count = 0

    def taken_from(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Keep the rows of a batch that do not fit, and return the others, as declared."""
        import pyarrow.compute as compute

        numbers = batch.column(MISFIT)
        fitting = batch
        if numbers.null_count < batch.num_rows:
            misfits = batch.filter(compute.is_valid(numbers)).select([MISFIT, ROW])
            fitting = batch.filter(compute.is_null(numbers))
            if self._writer is None:
                self._writer = arrow_writer(self._draft, misfits.schema)
            self._writer.write_batch(misfits)
            self.count += misfits.num_rows
        return fitting.select([column.name for column in self._columns])

    def close(self) -> None:
        """Write what was kept to `rejected`."""
        if self._writer is None:
            return
        self._writer.close()
        session, source = self._extraction.session, self._extraction.source
        facts = self._extraction.folder.path / "facts.parquet"
        types = {name: "INTEGER" if name == "column" else "VARCHAR" for name in FACTS}
        write_records(session, self._facts(), types | {"line": "BIGINT"}, facts)
        rows = f"SELECT CAST(NULL AS VARCHAR) AS id, * FROM read_parquet({as_path(facts)})"
        keep(
            session,
            identified(rows, source),
            self._extraction.folder.part("rejected") / f"{PARSE}.parquet",
            source=source,
            run=self._extraction.run,
        )
        facts.unlink()
        self._draft.unlink()

    def _facts(self) -> Iterator[tuple[Any, ...]]:
        import pyarrow.parquet as parquet

        keys = [column.name for column in self._columns if column.primary_key]
        file = parquet.ParquetFile(self._draft)
        for batch in file.iter_batches(batch_size=BATCH):
            for number, row in zip(
                *(batch.column(name).to_pylist() for name in (MISFIT, ROW)), strict=True
            ):
                texts = json.loads(row)
                column = self._columns[number]
                value = texts[column.name]
                reason = f'"{value}" does not fit {column.type}: {advice(column, value)}'
                if value is None:
                    reason = "no value, which would place the row in a data interval"
                key = _json({name: texts[name] for name in keys}) if keys else None
                line = _json(texts)
                yield PARSE, reason, None, None, number + 1, column.name, key, line, line


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
