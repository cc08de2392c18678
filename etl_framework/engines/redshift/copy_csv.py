"""Load CSV files from S3 into a table with COPY; the rows do not pass through this machine.

COPY lists the rows that it cannot load, and these become the rejected rows. Their file and line are
always known. Their text is known if the cluster shows it in `stl_load_errors`, which Redshift
Serverless does not have.

Source: Redshift's Database Developer Guide, "COPY", "STL_LOAD_ERRORS", "SYS_LOAD_ERROR_DETAIL".
"""

from __future__ import annotations

import codecs
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, TypeGuard, cast

from etl_framework.connections.files import File
from etl_framework.connections.s3 import S3
from etl_framework.engines.redshift.cluster import Cluster
from etl_framework.engines.work import Work
from etl_framework.errors import CheckFailedError, StepError
from etl_framework.sources.base import Extracted, Source
from etl_framework.sources.csv.header import Header, header_of
from etl_framework.sources.csv.source import CsvSource
from etl_framework.sources.csv.text import PACKED as MAGIC
from etl_framework.sources.csv.text import unpacked_head
from etl_framework.sources.files import with_files
from etl_framework.sql.quote import names, quote, quote_table, redshift_literal
from etl_framework.sql.text_form import USUAL
from etl_framework.storage.manifest import write_manifest
from etl_framework.storage.parquet import as_path
from etl_framework.storage.records import write_records
from etl_framework.storage.rejected import PARSE, identified, keep

ENCODINGS = {"utf-8": "UTF8", "utf-16-le": "UTF16LE", "utf-16-be": "UTF16BE", "utf-16": "UTF16"}
PACKED = {".gz": "GZIP", ".zst": "ZSTD", ".bz2": "BZIP2"}
# How many rows COPY may skip.
MAXERROR = 100_000
HEAD = 1 << 16
FAILED = {
    "rule": "VARCHAR",
    "reason": "VARCHAR",
    "file": "VARCHAR",
    "line": "BIGINT",
    "column": "INTEGER",
    "name": "VARCHAR",
    "key": "VARCHAR",
    "row": "VARCHAR",
    "values": "VARCHAR",
    "id": "VARCHAR",
}


def copy_reads(source: Source) -> TypeGuard[CsvSource]:
    """Return whether COPY reads the files of a source as we do; if not, the worker reads them."""
    if not isinstance(source, CsvSource) or source.is_masked:  # the cluster never sees the values
        return False
    dialect = source.dialect
    return (
        codecs.lookup(dialect.encoding).name in ENCODINGS
        and bool(dialect.quote)
        and not dialect.escape
        and not dialect.nulls
        and not (dialect.footer or dialect.comment or dialect.trim)
        and dialect.form == USUAL
        and (dialect.delimiter + dialect.quote).isascii()
    )


class CsvCopy:
    """Loads the files of one source into a table."""

    def __init__(self, work: Work, cluster: Cluster, source: CsvSource, table: str) -> None:
        self._work = work
        self._cluster = cluster
        self._source = source
        self._table = table
        self._place = cast(S3, work.plan.workspace.connection(source.connection))
        self._wanted = [column.name for column in source.columns]

    def into_table(self) -> Extracted:
        """Load the files of the data interval.

        :raises DataMissingError: there are no files, or a file does not have the columns.
        :raises CheckFailedError: COPY would have to skip more rows than it may.
        """
        extraction = self._work.extraction(self._work.folder)
        files = self._source.files(extraction)
        self._source.refuse_gone(extraction, files)
        groups: dict[tuple[Header, str], list[File]] = {}
        for file in files:
            header, ending = self._head(file)
            if header:
                groups.setdefault((header, ending), []).append(file)
        others = self._room_for_others([header for header, _ in groups])
        loads = self._cluster.bucket / "loads" / secrets.token_hex(8)
        manifests = []
        try:
            for number, ((header, ending), group) in enumerate(groups.items()):
                manifests.append(f"{number}.manifest")
                self._copy(header, ending, write_manifest(loads, manifests[-1], self._uris(group)))
        finally:
            loads.delete(manifests)
        for name in others:
            self._cluster.run(f"ALTER TABLE {quote_table(self._table)} DROP COLUMN {quote(name)}")
        known = dict.fromkeys(name for header, _ in groups for name in header if name)
        new = tuple(name for name in known if name not in self._wanted)
        return with_files(Extracted(0, self._keep_failed(files), new), files)

    def _head(self, file: File) -> tuple[Header | None, str]:
        """Read the header of a file, and how it is packed, from its first bytes."""
        here = self._work.folder.part("heads") / file.path.stem.partition(".")[0]
        first = self._place.open().head(file.place, HEAD)
        here.write_bytes(unpacked_head(first, file.name))
        ending = next((e for e, magic in MAGIC.items() if first.startswith(magic)), "")
        try:
            header = header_of(replace(file, path=here), self._source.columns, self._source.dialect)
            return header, ending or PurePosixPath(file.name).suffix
        finally:
            here.unlink()

    def _room_for_others(self, headers: Sequence[Header]) -> list[str]:
        """Add columns to the table for the file's undeclared columns, which COPY cannot skip."""
        count = max((len([n for n in h if n not in self._wanted]) for h in headers), default=0)
        made = [f"etl_other_{number}" for number in range(count)]
        for name in made:
            table = quote_table(self._table)
            self._cluster.run(f"ALTER TABLE {table} ADD COLUMN {quote(name)} varchar(65535)")
        return made

    def _uris(self, files: Sequence[File]) -> list[tuple[str, int]]:
        place = self._place.open()
        return [(place.uri(file.place), int(file.version.partition(":")[0])) for file in files]

    def _copy(self, header: Header, ending: str, manifest: str) -> None:
        # COPY "etl_staging"."shop__orders__20260105_0123456789ab" ("id", "etl_other_0")
        #     FROM 's3://bucket/…/0.manifest' IAM_ROLE default MANIFEST FORMAT AS CSV
        #     DELIMITER ',' QUOTE AS '"' IGNOREHEADER 1 … GZIP
        others = iter(range(len(header)))
        listed = [n if n in self._wanted else f"etl_other_{next(others)}" for n in header]
        dialect = self._source.dialect
        encoding = ENCODINGS[codecs.lookup(dialect.encoding).name]
        options = [
            f"IAM_ROLE {self._cluster.role} MANIFEST FORMAT AS CSV",
            f"DELIMITER {redshift_literal(dialect.delimiter)}",
            f"QUOTE AS {redshift_literal(dialect.quote)}",
            f"IGNOREHEADER {header.line - 1} EMPTYASNULL IGNOREBLANKLINES",
            f"ENCODING AS {encoding} MAXERROR {MAXERROR} COMPUPDATE OFF STATUPDATE OFF",
            PACKED.get(ending, ""),
        ]
        try:
            self._cluster.run(
                f"COPY {quote_table(self._table)} ({names(listed)}) "
                f"FROM {redshift_literal(manifest)} {' '.join(options)}"
            )
        except StepError as error:
            if "load_error" not in str(error):
                raise
            raise CheckFailedError(
                f"more than {MAXERROR:,} rows of '{self._work.step.relation}' cannot be loaded",
                hint="look at stl_load_errors in the cluster",
            ) from error

    def _keep_failed(self, files: Sequence[File]) -> int:
        """Write the rows that COPY skipped to `rejected`, and return their number."""
        failed_rows = self._failed()
        if failed_rows:
            uris = {uri: file.name for file, (uri, _) in zip(files, self._uris(files), strict=True)}
            draft = self._work.folder.path / "failed.parquet"
            session = self._work.session
            write_records(session, list(self._told(failed_rows, uris)), FAILED, draft)
            rows = identified(
                f"SELECT * FROM read_parquet({as_path(draft)})", self._work.step.relation
            )
            kept = self._work.folder.part("rejected") / f"{PARSE}.parquet"
            keep(session, rows, kept, source=self._work.step.relation, run=self._work.run_id)
            draft.unlink()
        return len(failed_rows)

    def _failed(self) -> list[dict[str, Any]]:
        """Return the rows that COPY skipped, from the system table that this cluster has."""
        schema, _, name = self._table.rpartition(".")
        oid = (
            "SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            f"WHERE n.nspname = {redshift_literal(schema)} AND c.relname = {redshift_literal(name)}"
        )
        try:
            return self._cluster.rows(
                "SELECT TRIM(filename) AS file, line_number AS line, TRIM(colname) AS name, "
                "TRIM(err_reason) AS reason, raw_line AS text FROM stl_load_errors "
                f"WHERE tbl = ({oid}) ORDER BY 1, 2"
            )
        except StepError:
            return self._cluster.rows(
                "SELECT TRIM(file_name) AS file, line_number AS line, TRIM(column_name) AS name, "
                "TRIM(error_message) AS reason, '' AS text FROM sys_load_error_detail "
                f"WHERE table_id = ({oid}) ORDER BY 1, 2"
            )

    def _told(
        self, failed_rows: list[dict[str, Any]], uris: dict[str, str]
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rejected rows, with values in the order of FAILED.

        :param uris: the name of every file by its address in S3.
        """
        for row in failed_rows:
            text = str(row["text"] or "").rstrip("\r\n ")
            column = self._wanted.index(row["name"]) + 1 if row["name"] in self._wanted else None
            values = next(self._source.dialect.rows([text]), []) if text else []
            told = dict(zip(self._wanted, values, strict=False))
            yield (
                PARSE,
                row["reason"],
                uris.get(str(row["file"]), str(row["file"])),
                row["line"],
                column,
                row["name"] or None,
                None,
                text,
                json.dumps(told),
                None,
            )
