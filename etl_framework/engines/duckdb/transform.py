"""`transform.<name>` and `kpi.<name>`: make a relation from others, with SQL or Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column
from etl_framework.engines.duckdb.function import function
from etl_framework.engines.work import Work
from etl_framework.errors import StepError
from etl_framework.project.models import Kpi, Transform
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.outcome import Outcome
from etl_framework.storage.parquet import arrow_reader, arrow_writer, write

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def transform(work: Work) -> Outcome:
    """Make the relation of a transform or KPI, with exactly the declared columns and types."""
    work.see_inputs()
    block = work.step.block
    if isinstance(block, Transform) and block.python:
        rows = _write_tables(work, block)
    else:
        columns = block.columns if isinstance(block, Kpi | Transform) else []
        sql = contracted(work.step.relation, work.step.sql, columns)
        rows = write(work.session, sql, work.folder.part("data"))
    return Outcome({"rows": rows}, files=tuple(work.folder.files("data")))


def contracted(relation: str, sql: str, columns: Sequence[Column]) -> str:
    """Return the query with each column cast to its declared type.

    A text that is too long is an error. For a column `day date` and a column `country varchar(2)`:

        SELECT CAST("day" AS DATE) AS "day",
               CASE WHEN strlen(CAST("country" AS VARCHAR)) > 2 THEN error('etl: …')
                    ELSE CAST("country" AS VARCHAR) END AS "country"
        FROM (…)
    """
    if not columns:
        return sql
    values = []
    for column in columns:
        name = quote(column.name)
        value = f"CAST({name} AS {column.type.duckdb})"
        if column.type.family == "text":
            limit = column.type.arguments[0]
            message = f"etl: {relation}.{column.name} is longer than {column.type}"
            refuse = f"error({literal(message)})"
            value = f"CASE WHEN strlen({value}) > {limit} THEN {refuse} ELSE {value} END"
        values.append(f"{value} AS {name}")
    return f"SELECT {', '.join(values)} FROM ({sql})"


def _write_tables(work: Work, block: Transform) -> int:
    schema, rows = _schema(block), 0
    with arrow_writer(work.folder.part("data") / "0.parquet", schema) as file:
        for table in tables(work.plan.root, work.session, block):
            file.write_table(table)
            rows += table.num_rows
    return rows


def tables(root: Path, session: duckdb.DuckDBPyConnection, block: Transform) -> Iterator[pa.Table]:
    """Run a Python transform on the relations of a session, and yield the tables that it returns.

    It runs once on all rows, or once for every chunk of rows.

    :raises StepError: the function cannot be imported, fails, or returns other columns than
        declared.
    """
    call = function(root, str(block.python))
    for frames in _frames(session, block):
        try:
            result = call(**frames, **block.params)
        except Exception as error:  # whatever a user's function raises is the step's error
            raise StepError(f"{block.python} failed: {type(error).__name__}: {error}") from error
        yield _as_declared(block, result, _schema(block))


def _schema(block: Transform) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([(column.name, column.type.arrow()) for column in block.columns])


def _as_declared(block: Transform, result: Any, schema: pa.Schema) -> pa.Table:
    """Convert what a function returned into a table with the declared columns.

    :raises StepError: it is not a DataFrame, or it has other columns, other types or longer texts.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as compute

    if not isinstance(result, pd.DataFrame):
        kind = type(result).__name__
        raise StepError(f"{block.python} returned a {kind} and not a pandas DataFrame")
    given, wanted = [str(name) for name in result.columns], schema.names
    if set(given) != set(wanted):
        missing = ", ".join(sorted(set(wanted) - set(given))) or "none"
        extra = ", ".join(sorted(set(given) - set(wanted))) or "none"
        raise StepError(
            f"{block.python} returned other columns than declared: missing {missing}; not "
            f"declared {extra}"
        )
    try:
        table = pa.Table.from_pandas(result, schema=schema, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise StepError(f"{block.python} returned a value of another type: {error}") from error
    for column in block.columns:
        if column.type.family == "text":
            longest = compute.max(compute.binary_length(table[column.name])).as_py() or 0
            if longest > column.type.arguments[0]:
                raise StepError(
                    f"{block.python} returned a text of {longest} bytes in '{column.name}', "
                    f"which is {column.type}"
                )
    return table


def _frames(session: duckdb.DuckDBPyConnection, block: Transform) -> Iterator[dict[str, Any]]:
    """Yield the inputs as DataFrames with exact Arrow types: all rows at once, or in chunks."""
    import pandas as pd

    def frame(batch: Any) -> Any:
        return batch.to_pandas(types_mapper=pd.ArrowDtype)

    if not block.chunk_rows:
        yield {
            name: frame(session.sql(f"SELECT * FROM {quote(name)}").to_arrow_table())
            for name in block.inputs
        }
        return
    (name,) = block.inputs
    rows = session.sql(f"SELECT * FROM {quote(name)}")
    for batch in arrow_reader(rows, block.chunk_rows):
        yield {name: frame(batch)}
