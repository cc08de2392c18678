"""The rows that checks take out of a relation."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

from etl_framework.checks.base import RowCheck
from etl_framework.engines.corrections import CORRECTED, origins_of_corrected
from etl_framework.engines.duckdb.scan import Scan
from etl_framework.engines.work import Work
from etl_framework.sources.base import Source
from etl_framework.sql.quote import literal, names, quote
from etl_framework.storage.parquet import FILE, ROW, as_path, write
from etl_framework.storage.records import write_records
from etl_framework.storage.rejected import identified, keep

BATCH = 10_000
# Where the rows to take out lie: file, row, and the number of the rule.
BROKEN = "etl_broken"
ORIGIN = {
    FILE: "VARCHAR",
    "etl_row": "BIGINT",
    "id": "VARCHAR",
    "file": "VARCHAR",
    "line": "BIGINT",
    "text": "VARCHAR",
}


@dataclass(frozen=True)
class Taken:
    """Rows that are taken out.

    :param table: the temporary table that describes each as the quarantine keeps it, with the file
        and the row of it that it lies in.
    """

    table: str = "etl_taken"


def take_out(work: Work, checks: Sequence[RowCheck], scanned: Scan) -> Taken:
    """Describe the rows that a scan found to be taken out.

    :param checks: all row checks, as the rules are numbered.
    """
    session, relation = work.session, quote(work.step.relation)
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE {BROKEN} AS "
        f"SELECT unnest(broken, recursive := true) FROM {scanned.table}"
    )
    labels = literal([check.label for check in checks]).strip("()")
    columns = [check.checked_columns() for check in checks]
    at = literal([names[0] if len(names) == 1 else None for names in columns]).strip("()")
    values = _as_json(_columns(work))
    keys = [c.name for c in work.step.block.columns if c.primary_key] if work.step.block else []
    key = _as_json(keys) if keys else "NULL"
    # One row for each: 'breaks the check required', orders.csv, 17, the line as it came, and its
    # values as JSON: {"order_id": "12", "customer": null}.
    rows = (
        f"SELECT b.file AS {FILE}, b.row AS {ROW}, o.id, "
        f"[{labels}][rule + 1] AS rule, 'breaks the check ' || [{labels}][rule + 1] AS reason, "
        f'o.file, o.line, CAST(NULL AS INTEGER) AS "column", [{at}][rule + 1] AS name, '
        f'CAST({key} AS VARCHAR) AS key, coalesce(o.text, {values}) AS "row", {values} AS values '
        f"FROM {relation} AS r JOIN {BROKEN} AS b ON b.file = r.{FILE} AND b.row = r.{ROW} "
        f"LEFT JOIN ({_origins(work)}) AS o ON o.etl_file = r.{FILE} AND o.etl_row = r.{ROW}"
    )
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE {Taken.table} AS {identified(rows, work.step.relation)}"
    )
    return Taken()


def split(work: Work, taken: Taken) -> list[str]:
    """Write the rows to keep, and those taken out.

    :returns: the files of the rows kept.
    """
    relation = quote(work.step.relation)
    kept = f"SELECT {names(_columns(work), 'r.')} FROM {relation} AS r "
    same = f"ANTI JOIN {taken.table} AS t ON t.{FILE} = r.{FILE} AND t.{ROW} = r.{ROW}"
    write(work.session, kept + same, work.folder.part("data"))
    file = work.folder.part("rejected") / "check.parquet"
    keep(work.session, f"FROM {taken.table}", file, source=work.step.relation, run=work.run_id)
    return work.folder.files("data")


def _columns(work: Work) -> list[str]:
    described = work.session.execute(f"DESCRIBE {quote(work.step.relation)}").fetchall()
    return [str(row[0]) for row in described if row[0] not in (FILE, ROW)]


def _as_json(columns: Sequence[str]) -> str:
    texts = ", ".join(f"{literal(name)}: CAST(r.{quote(name)} AS VARCHAR)" for name in columns)
    return f"CAST(to_json({{{texts}}}) AS VARCHAR)"


def _origins(work: Work) -> str:
    """SQL for where the rows to take out came from, as far as that can be told."""
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
    about = work.extraction(work.run.step(f"extract.{work.step.relation}"))
    broken = work.session.execute(f"SELECT file, row FROM {BROKEN} ORDER BY file, row")
    rows = chain.from_iterable(iter(lambda: broken.fetchmany(BATCH), []))
    for file, group in groupby(rows, key=lambda row: str(row[0])):
        part, numbers = Path(file).name, (int(row[1]) for row in group)
        for found in source.origins(about, part, numbers):
            yield file, found.number, None, found.file, found.line, found.text
