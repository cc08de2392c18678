"""Corrected rows: what takes the place of rejected ones when a data interval is run again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.engines.work import Work
from etl_framework.sources.base import Source
from etl_framework.sources.csv_columns import typed, value
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.decisions import Decision, corrections
from etl_framework.storage.parquet import FILE, ROW, as_path, see, write_parquet
from etl_framework.storage.staging import StepFolder

if TYPE_CHECKING:
    import duckdb

# Corrected rows of a step, and in the same order what is known of the rows they take the place of.
ROWS, ORIGINS = "corrected.parquet", "origins"
# Where the check step writes them; the extract step puts them beside the others.
CORRECTED = "corrected"


def put_right(
    session: duckdb.DuckDBPyConnection,
    folder: StepFolder,
    part: str,
    columns: Sequence[Column],
    made: Mapping[str, Decision],
) -> list[str]:
    """Write the corrected form of rejected rows to `part`, where it still fits the columns.

    The rejected rows are in the temporary table `etl_taken`.

    :returns: the ids of the rows that are put right.
    """
    places = {f"etl_text_{i}": column.name for i, column in enumerate(columns)}
    texts = [
        {"etl_id": id_, **{place: decision.values.get(name) for place, name in places.items()}}
        for id_, decision in made.items()
        if decision.values is not None
    ]
    if not texts:
        return []
    shape = json.dumps([dict.fromkeys(texts[0], "VARCHAR")])
    session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_corrected AS SELECT c.*, CAST(NULL AS VARCHAR) AS "
        'etl_fault, r.file AS etl_file, r.line AS etl_line, r."row" AS etl_raw '
        "FROM (SELECT unnest(from_json(?, ?), recursive := true)) AS c "
        "JOIN etl_taken AS r ON c.etl_id = r.id",
        [json.dumps(texts), shape],
    )
    session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_right AS "
        f"FROM ({typed(columns, 'etl_corrected')}) WHERE etl_bad IS NULL"
    )
    ids = [id_ for (id_,) in session.execute("SELECT etl_id FROM etl_right").fetchall()]
    if ids:
        values = ", ".join(f"{value(column)} AS {quote(column.name)}" for column in columns)
        rows = f"SELECT {values} FROM etl_right ORDER BY etl_id"
        write_parquet(session, rows, folder.part(part) / ROWS, text=True, ordered=True)
        origins = (
            "SELECT row_number() OVER (ORDER BY etl_id) - 1 AS etl_row, etl_id AS id, "
            "etl_file AS file, etl_line AS line, etl_raw AS text FROM etl_right"
        )
        write_parquet(session, origins, folder.part(ORIGINS) / ROWS, text=True)
    return ids


def origins_of_corrected(folder: StepFolder, part: str) -> list[str]:
    """SQL for where the corrected rows that a step wrote came from; nothing when it wrote none."""
    file, rows = folder.path / ORIGINS / ROWS, folder.path / part / ROWS
    if not file.is_file():
        return []
    return [f"SELECT {literal(str(rows))} AS etl_file, * FROM read_parquet({as_path(file)})"]


def replace_taken(work: Work) -> bool:
    """Let the relation have the corrected form of the rows of `etl_taken` that were corrected.

    :returns: whether there are any.
    """
    block, relation = work.step.block, work.step.relation
    made = corrections(work.run, relation) if isinstance(block, Source) else {}
    if not made or not isinstance(block, Source):
        return False
    ids = put_right(work.session, work.folder, CORRECTED, block.columns, made)
    if ids:
        work.session.execute(
            "CREATE OR REPLACE TEMP TABLE etl_replaced AS "
            f"SELECT {FILE}, {ROW} FROM etl_taken WHERE id IN {literal(ids)}"
        )
        see(work.session, "etl_as_read", work.inputs[relation], positions=True)
        see(work.session, "etl_put_right", work.folder.files(CORRECTED), positions=True)
        work.session.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote(relation)} AS "
            f"SELECT * FROM etl_as_read ANTI JOIN etl_replaced USING ({FILE}, {ROW}) "
            "UNION ALL BY NAME SELECT * FROM etl_put_right"
        )
    return bool(ids)
