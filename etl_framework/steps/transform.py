"""`transform.<name>` and `kpi.<name>`: make a relation of others, by SQL or Python."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from etl_framework.columns import Column
from etl_framework.config.models import Kpi, Transform
from etl_framework.errors import StepError
from etl_framework.plan import Step
from etl_framework.sql.quote import literal, quote
from etl_framework.steps.base import Outcome, Work
from etl_framework.storage.parquet import write


def transform(work: Work) -> Outcome:
    """Make a transform's or KPI's relation, with exactly the columns and types that it declares."""
    work.see_inputs()
    block = work.step.block
    if isinstance(block, Transform) and block.python:
        rows = _run_python(work, block)
    else:
        columns = block.columns if isinstance(block, Kpi | Transform) else []
        sql = _contracted(work.step, columns) if columns else work.step.sql
        rows = write(work.session, sql, work.folder.part("data"))
    return Outcome({"rows": rows}, files=tuple(work.folder.files("data")))


def _contracted(step: Step, columns: Sequence[Column]) -> str:
    """The query with each column cast to its declared type; a text that is too long is an error."""
    values = []
    for column in columns:
        name = quote(column.name)
        value = f"CAST({name} AS {column.type.duckdb})"
        if column.type.family == "text":
            limit = column.type.arguments[0]
            message = f"etl: {step.relation}.{column.name} is longer than {column.type}"
            refuse = f"error({literal(message)})"
            value = f"CASE WHEN strlen({value}) > {limit} THEN {refuse} ELSE {value} END"
        values.append(f"{value} AS {name}")
    return f"SELECT {', '.join(values)} FROM ({step.sql})"


def _run_python(work: Work, block: Transform) -> int:
    """Call the function with DataFrames of its inputs, and write what it returns.

    :raises StepError: it cannot be imported, raises, or returns other columns than declared.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    function = _function(work.plan.root, str(block.python))
    schema = pa.schema([(column.name, column.type.arrow()) for column in block.columns])
    rows = 0
    with parquet.ParquetWriter(work.folder.part("data") / "0.parquet", schema) as file:
        for frames in _frames(work, block):
            try:
                result = function(**frames, **block.params)
                table = pa.Table.from_pandas(result, schema=schema, preserve_index=False)
            except Exception as error:
                kind = type(error).__name__
                raise StepError(f"{block.python} failed: {kind}: {error}") from error
            file.write_table(table)
            rows += table.num_rows
    return rows


def _frames(work: Work, block: Transform) -> Iterator[dict[str, Any]]:
    """The inputs as DataFrames of exact Arrow types: all at once, or a chunk at a time."""
    import pandas as pd

    def frame(batch: Any) -> Any:
        return batch.to_pandas(types_mapper=pd.ArrowDtype)

    if not block.chunk_rows:
        yield {
            name: frame(work.session.execute(f"SELECT * FROM {quote(name)}").to_arrow_table())
            for name in block.inputs
        }
        return
    (name,) = block.inputs
    rows = work.session.execute(f"SELECT * FROM {quote(name)}")
    for batch in rows.to_arrow_reader(block.chunk_rows) or ():
        yield {name: frame(batch)}


def _function(root: Path, reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise StepError(
            f"the function {reference} cannot be imported: {error}",
            hint="it is looked for from the project's folder",
        ) from error
