"""Write rows that Python makes one by one as Parquet.

The rows are written as JSON lines, and DuckDB reads them: pyarrow would import pandas for a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.sql.quote import literal
from etl_framework.storage.parquet import as_path, write_parquet

if TYPE_CHECKING:
    import duckdb

Value = str | int | None


def write_records(
    session: duckdb.DuckDBPyConnection,
    rows: Iterable[Sequence[Value]],
    types: Mapping[str, str],
    file: Path,
) -> None:
    """Write rows to a file, in their order.

    :param rows: are consumed before the session is used.
    :param types: DuckDB types by column name, in the order of the values.
    """
    draft = file.with_suffix(".ndjson")
    try:
        with draft.open("w", encoding="ascii") as out:
            out.writelines(json.dumps(dict(zip(types, row, strict=True))) + "\n" for row in rows)
        columns = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items())
        # SELECT * FROM read_json('a.ndjson', format = 'newline_delimited',
        #     columns = {'rule': 'VARCHAR', 'line': 'BIGINT'})
        sql = (
            f"SELECT * FROM read_json({as_path(draft)}, format = 'newline_delimited', "
            f"columns = {{{columns}}})"
        )
        write_parquet(session, sql, file, text=True, ordered=True)
    finally:
        draft.unlink(missing_ok=True)
