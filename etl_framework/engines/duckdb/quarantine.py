"""Take the rows that break checks out of a relation."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from etl_framework.engines.corrections import CORRECTED, origins_of_corrected
from etl_framework.engines.duckdb.scan import Scan
from etl_framework.engines.origins import origins_of, reading_again
from etl_framework.engines.work import Work
from etl_framework.plan.step import RowRule
from etl_framework.sources.base import Source
from etl_framework.sql.quote import literal, names, quote
from etl_framework.storage.parquet import FILE, ROW, as_path, write
from etl_framework.storage.records import write_records
from etl_framework.storage.rejected import identified, keep

BATCH = 10_000
# A temporary table of the rows to take out: file, position in the file, number of the rule.
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

    :param table: the temporary table of these rows. It has the columns of the quarantine, and the
        file and the position of each row.
    """

    table: str = "etl_taken"


def take_out(work: Work, rules: Sequence[RowRule], scanned: Scan) -> Taken:
    """Make a table of the rows that a scan found for quarantine.

    :param rules: all row checks; the number of a rule is its index in this list.
    """
    session, relation = work.session, quote(work.step.relation)
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE {BROKEN} AS "
        f"SELECT unnest(broken, recursive := true) FROM {scanned.table}"
    )
    labels = literal([rule.check.label for rule in rules]).strip("()")
    columns = [rule.check.checked_columns() for rule in rules]
    at = literal([names[0] if len(names) == 1 else None for names in columns]).strip("()")
    values = _as_json(_columns(work))
    keys = [c.name for c in work.step.block.columns if c.primary_key] if work.step.block else []
    key = _as_json(keys) if keys else "NULL"
    # For each row, for example:
    #   rule    'required'                     reason  'breaks the check required'
    #   file    'orders.csv', line 17          name    'customer' (if the check has one column)
    #   row     '12,' (the line in the file)   values  '{"order_id": "12", "customer": null}'
    # Lists count from 1 in DuckDB, rules from 0.
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
    """Write the kept rows to `data`, and the rows taken out to `rejected`.

    :returns: the files of the kept rows.
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
    # CAST(to_json({'day': CAST(r."day" AS VARCHAR), ...}) AS VARCHAR)
    texts = ", ".join(f"{literal(name)}: CAST(r.{quote(name)} AS VARCHAR)" for name in columns)
    return f"CAST(to_json({{{texts}}}) AS VARCHAR)"


def _origins(work: Work) -> str:
    """Return a query that tells where the rows to take out came from, as far as it is known."""
    extracted = work.run.step(f"extract.{work.step.relation}").fetch()
    known = [
        *origins_of_corrected(extracted, "data"),
        *origins_of_corrected(work.folder, CORRECTED),
    ]
    # The file has a new name each time, because DuckDB 1.4 caches the content of a file.
    origins_file = work.folder.path / f"origins-{secrets.token_hex(4)}.parquet"
    if isinstance(work.step.block, Source):
        write_records(work.session, _source_origins(work), ORIGIN, origins_file)
        known.append(f"FROM read_parquet({as_path(origins_file)})")
    # FROM read_parquet('origins-0a1b2c3d.parquet'); or, if no origin is known,
    # SELECT CAST(NULL AS VARCHAR) AS "etl_file", CAST(NULL AS BIGINT) AS "etl_row", ... LIMIT 0
    nothing = (f"CAST(NULL AS {type_}) AS {quote(name)}" for name, type_ in ORIGIN.items())
    return " UNION ALL BY NAME ".join(known) or f"SELECT {', '.join(nothing)} LIMIT 0"


def _source_origins(work: Work) -> Iterator[tuple[str | int | None, ...]]:
    """Yield where the source read the rows to take out, with values in the order of ORIGIN."""
    source = work.step.block
    if not isinstance(source, Source):
        return
    about = work.extraction(work.run.step(f"extract.{work.step.relation}").fetch())
    broken = work.session.execute(f"SELECT file, row FROM {BROKEN} ORDER BY file, row")
    rows = chain.from_iterable(iter(lambda: broken.fetchmany(BATCH), []))
    with reading_again(about):
        for file, group in groupby(rows, key=lambda row: str(row[0])):
            numbers = (int(row[1]) for row in group)
            for origin in origins_of(work, source, about, file, numbers):
                yield file, origin.number, None, origin.file, origin.line, origin.text
