"""Corrected rows replace rejected rows when a data interval is run again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.engines.work import Work
from etl_framework.sources.base import Extracted, Source
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.text_form import TextForm
from etl_framework.sql.typed_texts import typed, value
from etl_framework.storage.decisions import Decision, corrections
from etl_framework.storage.parquet import FILE, ROW, as_path, see, write_parquet
from etl_framework.storage.rejected import keep
from etl_framework.storage.step_folder import StepFolder

if TYPE_CHECKING:
    import duckdb

# The name of a file with corrected rows, and the folder of a file that tells, in the same order,
# where the rejected rows that they replace came from.
ROWS, ORIGINS = "corrected.parquet", "origins"
# The folder that the check step writes corrected rows to. The extract step writes them to `data`.
CORRECTED = "corrected"
# A temporary table with the rows that an extract step rejected.
REJECTED = "etl_rejected"


def put_right(
    session: duckdb.DuckDBPyConnection,
    rejected: str,
    folder: StepFolder,
    part: str,
    columns: Sequence[Column],
    form: TextForm,
    made: Mapping[str, Decision],
) -> list[str]:
    """Write to `part` those corrected rows whose texts are all valid values of the columns.

    :param rejected: the table of the rejected rows.
    :param columns: the columns of the relation, with their types.
    :param form: how the texts write their values.
    :param made: the decisions about the rows, by id.
    :returns: the ids of the rows that were written.
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
    # For the columns `quantity` and `day`, `texts` is
    #     [{"etl_id": "0a1b", "etl_text_0": "12", "etl_text_1": "2026-01-05"}]
    # and the table `etl_corrected` has the row
    #     etl_id  etl_text_0  etl_text_1  etl_fault  etl_file    etl_line  etl_raw
    #     0a1b    12          2026-01-05  NULL       orders.csv  17        o-7,twelve,2026-01-05
    # The table `etl_right` adds the values: quantity = 12, day = DATE '2026-01-05', etl_bad = NULL.
    session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_corrected AS SELECT c.*, CAST(NULL AS VARCHAR) AS "
        'etl_fault, r.file AS etl_file, r.line AS etl_line, r."row" AS etl_raw '
        "FROM (SELECT unnest(from_json(?, ?), recursive := true)) AS c "
        f"JOIN {rejected} AS r ON c.etl_id = r.id",
        [json.dumps(texts), shape],
    )
    session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_right AS "
        f"FROM ({typed(columns, 'etl_corrected', form.or_usual())}) WHERE etl_bad IS NULL"
    )
    ids = [id_ for (id_,) in session.execute("SELECT etl_id FROM etl_right").fetchall()]
    if ids:
        values = ", ".join(f"{value(column)} AS {quote(column.name)}" for column in columns)
        # SELECT CAST("quantity" AS INTEGER) AS "quantity", "day" AS "day" FROM etl_right ...
        rows = f"SELECT {values} FROM etl_right ORDER BY etl_id"
        write_parquet(session, rows, folder.part(part) / ROWS, text=True, ordered=True)
        origins = (
            "SELECT row_number() OVER (ORDER BY etl_id) - 1 AS etl_row, etl_id AS id, "
            "etl_file AS file, etl_line AS line, etl_raw AS text FROM etl_right"
        )
        write_parquet(session, origins, folder.part(ORIGINS) / ROWS, text=True)
    return ids


def with_corrections(work: Work, rows: Extracted) -> Extracted:
    """Add corrected rows to the rows of a source; they count as kept and not as rejected."""
    made, files = corrections(work.run, work.step.relation), work.folder.files("rejected")
    if not made or not files:
        return rows
    work.session.execute(
        f"CREATE OR REPLACE TEMP TABLE {REJECTED} AS FROM read_parquet({as_path(files[0])})"
    )
    form = work.source.form
    ids = put_right(work.session, REJECTED, work.folder, "data", work.source.staged, form, made)
    if ids:
        Path(files[0]).unlink()
        rest = f"FROM {REJECTED} WHERE id NOT IN {literal(ids)}"
        if rows.rejected > len(ids):
            relation, file = work.step.relation, work.folder.path / "rejected/corrected.parquet"
            keep(work.session, rest, file, source=relation, run=work.run_id)
    return replace(rows, kept=rows.kept + len(ids), rejected=rows.rejected - len(ids))


def origins_of_corrected(folder: StepFolder, part: str) -> list[str]:
    """Return queries that tell where the corrected rows of a step came from; none without rows."""
    file, rows = folder.path / ORIGINS / ROWS, folder.path / part / ROWS
    if not file.is_file():
        return []
    return [f"SELECT {literal(str(rows))} AS etl_file, * FROM read_parquet({as_path(file)})"]


def replace_taken(work: Work, taken: str) -> bool:
    """Put corrected rows into the relation, in the place of the rows that checks take out.

    :param taken: the table of the rows taken out, with the file and the position of each.
    :returns: whether any row was replaced.
    """
    block, relation = work.step.block, work.step.relation
    made = corrections(work.run, relation) if isinstance(block, Source) else {}
    if not made or not isinstance(block, Source):
        return False
    ids = put_right(work.session, taken, work.folder, CORRECTED, block.staged, block.form, made)
    if ids:
        work.session.execute(
            "CREATE OR REPLACE TEMP TABLE etl_replaced AS "
            f"SELECT {FILE}, {ROW} FROM {taken} WHERE id IN {literal(ids)}"
        )
        see(work.session, "etl_as_read", work.inputs[relation], positions=True)
        see(work.session, "etl_put_right", work.folder.files(CORRECTED), positions=True)
        # CREATE OR REPLACE TEMP VIEW "orders" AS
        #     SELECT * FROM etl_as_read ANTI JOIN etl_replaced USING (etl_file, etl_row)
        #     UNION ALL BY NAME SELECT * FROM etl_put_right
        work.session.execute(
            f"CREATE OR REPLACE TEMP VIEW {quote(relation)} AS "
            f"SELECT * FROM etl_as_read ANTI JOIN etl_replaced USING ({FILE}, {ROW}) "
            "UNION ALL BY NAME SELECT * FROM etl_put_right"
        )
    return bool(ids)
