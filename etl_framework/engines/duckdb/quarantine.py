"""The rows that checks take out of a relation."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path

from etl_framework.checks.base import RowCheck
from etl_framework.engines.corrections import CORRECTED, origins_of_corrected
from etl_framework.engines.duckdb.extract import extraction
from etl_framework.engines.work import Work
from etl_framework.sources.base import Source
from etl_framework.sql.quote import literal, names, quote
from etl_framework.storage.parquet import FILE, ROW, as_path, write
from etl_framework.storage.records import write_records
from etl_framework.storage.rejected import identified, keep

BATCH = 10_000
ORIGIN = {
    FILE: "VARCHAR",
    "etl_row": "BIGINT",
    "id": "VARCHAR",
    "file": "VARCHAR",
    "line": "BIGINT",
    "text": "VARCHAR",
}


def take_out(work: Work, checks: Sequence[RowCheck]) -> None:
    """Describe the rows to take out, in the temporary table `etl_taken`.

    Where they lie is in the temporary table `etl_scan`, as a list of file, row and rule.

    :param checks: all row checks, as the rules are numbered.
    """
    session, relation = work.session, quote(work.step.relation)
    session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_broken AS "
        "SELECT unnest(broken, recursive := true) FROM etl_scan"
    )
    labels = literal([found.label for found in checks]).strip("()")
    checked = [found.checked_columns() for found in checks]
    at = literal([found[0] if len(found) == 1 else None for found in checked]).strip("()")
    values = _as_json(_columns(work))
    keys = [c.name for c in work.step.block.columns if c.primary_key] if work.step.block else []
    key = _as_json(keys) if keys else "NULL"
    rows = (
        f"SELECT etl_broken.file AS {FILE}, etl_broken.row AS {ROW}, o.id, "
        f"[{labels}][rule + 1] AS rule, 'breaks the check ' || [{labels}][rule + 1] AS reason, "
        f'o.file, o.line, CAST(NULL AS INTEGER) AS "column", [{at}][rule + 1] AS name, '
        f'CAST({key} AS VARCHAR) AS key, coalesce(o.text, {values}) AS "row", {values} AS values '
        f"FROM {relation} AS r JOIN etl_broken "
        f"ON etl_broken.file = r.{FILE} AND etl_broken.row = r.{ROW} "
        f"LEFT JOIN ({_origins(work)}) AS o ON o.etl_file = r.{FILE} AND o.etl_row = r.{ROW}"
    )
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE etl_taken AS {identified(rows, work.step.relation)}"
    )


def split(work: Work) -> list[str]:
    """Write the rows to keep, and those taken out.

    :returns: the files of the rows kept.
    """
    relation = quote(work.step.relation)
    kept = f"SELECT {names(_columns(work), 'r.')} FROM {relation} AS r ANTI JOIN etl_taken AS t "
    same = f"ON t.{FILE} = r.{FILE} AND t.{ROW} = r.{ROW}"
    write(work.session, kept + same, work.folder.part("data"))
    file = work.folder.part("rejected") / "check.parquet"
    keep(work.session, "FROM etl_taken", file, source=work.step.relation, run=work.run_id)
    return work.folder.files("data")


def _columns(work: Work) -> list[str]:
    described = work.session.execute(f"DESCRIBE {quote(work.step.relation)}").fetchall()
    return [str(row[0]) for row in described if row[0] not in (FILE, ROW)]


def _as_json(columns: Sequence[str]) -> str:
    texts = ", ".join(f"{literal(name)}: CAST(r.{quote(name)} AS VARCHAR)" for name in columns)
    return f"CAST(to_json({{{texts}}}) AS VARCHAR)"


def _origins(work: Work) -> str:
    """SQL for where the rows of `etl_broken` came from, as far as that can be told."""
    extracted = work.run.step(f"extract.{work.step.relation}")
    known = [
        *origins_of_corrected(extracted, "data"),
        *origins_of_corrected(work.folder, CORRECTED),
    ]
    # A new name each time: DuckDB 1.4 remembers what was in a file.
    found = work.folder.path / f"origins-{secrets.token_hex(4)}.parquet"
    if isinstance(work.step.block, Source):
        write_records(work.session, _found_origins(work), ORIGIN, found)
        known.append(f"FROM read_parquet({as_path(found)})")
    nothing = (f"CAST(NULL AS {type_}) AS {quote(name)}" for name, type_ in ORIGIN.items())
    return " UNION ALL BY NAME ".join(known) or f"SELECT {', '.join(nothing)} LIMIT 0"


def _found_origins(work: Work) -> Iterator[tuple[str | int | None, ...]]:
    source = work.step.block
    if not isinstance(source, Source):
        return
    about = extraction(work, work.run.step(f"extract.{work.step.relation}"))
    broken = work.session.execute("SELECT file, row FROM etl_broken ORDER BY file, row")
    rows = chain.from_iterable(iter(lambda: broken.fetchmany(BATCH), []))
    for file, group in groupby(rows, key=lambda row: str(row[0])):
        part, numbers = Path(file).name, (int(row[1]) for row in group)
        for found in source.origins(about, part, numbers):
            yield file, found.number, None, found.file, found.line, found.text
