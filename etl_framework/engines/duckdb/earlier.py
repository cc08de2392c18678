"""`earlier.<kpi>_<window>`: what earlier runs loaded into a target, as a Parquet file."""

from __future__ import annotations

from etl_framework.engines.work import Work
from etl_framework.errors import DataMissingError
from etl_framework.storage.outcome import Outcome
from etl_framework.storage.parquet import arrow_writer
from etl_framework.targets.earlier import Earlier


def earlier(work: Work, rows: Earlier) -> Outcome:
    """Read the rows from the warehouse; there are none as long as there is no table.

    :raises RetryableError: the warehouse does not answer.
    """
    import pyarrow as pa

    target, columns = rows.load.target, rows.columns
    schema = pa.schema([(column.name, column.type.arrow()) for column in columns])
    count, runs = 0, dict[str, str]()
    with arrow_writer(work.folder.part("data") / "0.parquet", schema) as file:
        try:
            with work.plan.workspace.warehouse(
                target.connection, read_only=rows.read_only
            ) as warehouse:
                work.on_cancel(warehouse.cancel)
                runs = rows.runs(warehouse)
                if query := rows.query(warehouse):
                    for batch in warehouse.batches(*query, schema, work.run.remote):
                        file.write_batch(batch.cast(schema))
                        count += batch.num_rows
        except DataMissingError:  # the file of the database does not exist yet
            pass
    files = tuple(work.folder.files("data"))
    checks = rows.lost(runs, count)
    return Outcome({"rows": count}, checks, files, sources=tuple(sorted(runs.items())))
