"""Files that Arrow writes are read by DuckDB as they are."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from etl_framework.storage.parquet import arrow_writer


def test_a_condition_finds_nan_which_is_the_greatest_value(tmp_path: Path) -> None:
    table = pa.table({"number": [1.0, float("nan"), 2.0]})

    with arrow_writer(tmp_path / "0.parquet", table.schema) as file:
        file.write_table(table)

    with duckdb.connect() as session:
        found = session.execute(f"FROM '{tmp_path}/0.parquet' WHERE number > 5").fetchall()
    assert len(found) == 1
