"""Read CSV files with DuckDB, and find those that it may have read wrongly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from etl_framework.columns import Column
from etl_framework.connections.files import File
from etl_framework.sources.base import Extraction
from etl_framework.sources.csv.copy import needs_copy, write_copy
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.records import Record, record_of
from etl_framework.sources.csv.text import has, packing
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.text_rules import changed_when_read, read_type
from etl_framework.sql.typed_texts import INEXACT, inexact, is_declared, read_or_error
from etl_framework.storage.parquet import as_path

BATCH = 20_000


class CsvScan:
    """Reads a source's files with DuckDB.

    :ivar types: the DuckDB type with which each column is read; texts of a form of their own, and
        texts with spaces around them, are read as texts first.
    """

    def __init__(self, columns: Sequence[Column], dialect: Dialect, extraction: Extraction) -> None:
        self.declared = [column for column in columns if is_declared(column, dialect.form)]
        self.types = {column.name: read_type(column) for column in columns}
        as_texts = columns if dialect.trim else self.declared
        self.types |= {column.name: "VARCHAR" for column in as_texts}
        self._columns = columns
        self._dialect = dialect
        self._session = extraction.session
        self._folder = extraction.folder
        self._recoded: dict[File, Path] = {}
        self._looks = 0

    def close(self) -> None:
        """Delete the copies that were made for reading."""
        shutil.rmtree(self._folder.path / "recoded", ignore_errors=True)

    def path(self, file: File, header: Header | None = None) -> Path:
        """The path at which DuckDB can read a file: its own, or that of a copy.

        :param header: the file's header, for the first call.
        """
        if file in self._recoded:
            return self._recoded[file]
        packed = packing(file)
        if header and needs_copy(file, header, self._dialect):
            path = self._folder.part("recoded") / f"{len(self._recoded)}.csv"
            write_copy(file, header, self._dialect, path)
        elif packed and file.path.suffix != packed:
            path = self._folder.part("recoded") / f"{len(self._recoded)}.csv{packed}"
            path.symlink_to(file.path.resolve())
        else:
            path = file.path
        self._recoded[file] = path
        return path

    def sql(
        self,
        header: Header,
        files: Sequence[File],
        rejects: str,
        types: Mapping[str, str],
        options: str = "",
    ) -> str:
        """Return SQL for the rows of files; lines that DuckDB refuses go to the table `rejects`.

        :param types: the types with which to read columns; other columns are read as text.
        """
        # read_csv(['a.csv', 'b.csv'], columns = {'id': 'DOUBLE', 'name': 'VARCHAR'},
        #   auto_detect = false, header = false, skip = 1, delim = ',', ...,
        #   rejects_table = 'etl_rejects_1', rejects_scan = 'etl_rejects_1_scan')
        dialect = self._dialect
        nulls = ", ".join(literal(text) for text in ("", *dialect.nulls))
        columns = ", ".join(
            # A column that is not declared may be called like another, or have an odd name.
            f"{literal(name if name in self.types else f'etl_other_{index}')}: "
            f"{literal(types.get(name, 'VARCHAR'))}"
            for index, name in enumerate(header)
        )
        paths = ", ".join(as_path(self.path(file, header)) for file in files)
        # In a copy, blank lines stand for those before the first row.
        skip = 0 if any(needs_copy(file, header, dialect) for file in files) else header.line - 1
        return (
            f"read_csv([{paths}], columns = {{{columns}}}, auto_detect = false, "
            f"header = false, skip = {skip}, delim = {literal(dialect.delimiter)}, "
            f"quote = {literal(dialect.quote)}, escape = {literal(dialect.quote)}, "
            f"nullstr = [{nulls}], allow_quoted_nulls = false, "
            f"store_rejects = true, rejects_limit = 0, rejects_table = '{rejects}', "
            f"rejects_scan = '{rejects}_scan'{options})"
        )

    def rows(self, scan: str) -> str:
        """Return what to select typed rows from, by the SQL of a scan; a wrong text is an error."""
        # (SELECT * REPLACE (CASE ... TRY_CAST(replace("price", ',', '.') ...) END AS "price")
        #   FROM (SELECT * REPLACE (nullif(trim("price"), '') AS "price") FROM read_csv(...)))
        form = self._dialect.form
        replaced = ", ".join(
            f"{read_or_error(column, form)} AS {quote(column.name)}"
            for column in self._columns
            if self.types[column.name] == "VARCHAR" and column.type.family != "text"
        )
        trimmed = self._trimmed(scan)
        return f"(SELECT * REPLACE ({replaced}) FROM {trimmed})" if replaced else trimmed

    def _trimmed(self, scan: str) -> str:
        if not self._dialect.trim:
            return scan
        nulls = literal(["", *self._dialect.nulls])
        trimmed = ", ".join(
            f"CASE WHEN trim({name}, ' ') IN {nulls} THEN NULL ELSE trim({name}, ' ') END AS {name}"
            for name in (quote(column.name) for column in self._columns)
        )
        return f"(SELECT * REPLACE ({trimmed}) FROM {scan})"

    def doubtful(self, rejects: str, files: Sequence[File]) -> list[File]:
        """The files with refused lines that DuckDB may have split wrongly."""
        rows = self._session.execute(
            "SELECT file_path, bool_or(error_type NOT IN "
            "('CAST', 'MISSING COLUMNS', 'TOO MANY COLUMNS')) "
            f"FROM {rejects} JOIN {rejects}_scan USING (scan_id, file_id) GROUP BY 1"
        ).fetchall()
        odd = dict(rows)
        return [
            file
            for file in files
            if (path := str(self.path(file))) in odd
            and (odd[path] or has(file, self._dialect, self._dialect.quote))
        ]

    def changed(
        self, header: Header, files: Sequence[File], columns: Sequence[Column]
    ) -> list[File]:
        """The files with a text that reading changes, such as a timestamp with a time zone."""
        tests = [
            test
            for column in columns
            if self.types[column.name] == read_type(column) and (test := changed_when_read(column))
        ]
        return self._where(header, files, tests, {}) if tests else []

    def _where(
        self, header: Header, files: Sequence[File], tests: Sequence[str], types: Mapping[str, str]
    ) -> list[File]:
        """The files that have a row for which one of the tests is true.

        :param types: the types of the columns that are not read as text.
        """
        # SELECT DISTINCT etl_file FROM read_csv(..., filename = 'etl_file') WHERE test OR test
        self._looks += 1
        rejects = f"etl_looked_at_{self._looks}"
        scan = self.sql(header, files, rejects, types, ", filename = 'etl_file'")
        rows = self._session.execute(
            f"SELECT DISTINCT etl_file FROM {scan} WHERE {' OR '.join(tests)}"
        ).fetchall()
        paths = {path for (path,) in rows}
        return [file for file in files if str(self.path(file)) in paths]

    def suspects(self, error: Exception, header: Header, files: list[File]) -> list[File]:
        """The files that may be the cause of an error in the quick way."""
        import duckdb

        changes = [
            f"coalesce({change}, false)"
            for c in self._columns
            if self.types[c.name] == read_type(c) and (change := inexact(c))
        ]
        if not changes or not (
            INEXACT in str(error) or isinstance(error, duckdb.ConversionException)
        ):
            return files
        try:
            return self._where(header, files, changes, self.types) or files
        except duckdb.Error:
            return files

    def refused(
        self, rejects: str, header: Header, files: Sequence[File]
    ) -> Iterator[tuple[str, Record]]:
        """The records in the lines that DuckDB refused, each with the name of its file."""
        names = {str(self.path(file)): file.name for file in files}
        rows = self._session.execute(
            f"SELECT DISTINCT file_path, line, trim(csv_line, chr(10) || chr(13)) FROM {rejects} "
            f"JOIN {rejects}_scan USING (scan_id, file_id) ORDER BY 1, 2"
        )
        while batch := rows.fetchmany(BATCH):
            for path, line, raw in batch:
                yield names[path], record_of(line, raw, header, self._dialect)
