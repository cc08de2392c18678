"""Read CSV files with DuckDB, and find those that it may have read wrongly."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from etl_framework.columns import Column
from etl_framework.connections.files import File
from etl_framework.sources.base import Extraction
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.records import Header, Record, record_of
from etl_framework.sources.csv.text import blocks, has
from etl_framework.sql.quote import literal
from etl_framework.sql.typed_texts import INEXACT, changed_when_read, inexact, read_type
from etl_framework.storage.parquet import as_path

BATCH = 20_000


class CsvScan:
    """Reads a source's files with DuckDB.

    :ivar types: the DuckDB type with which each column is read.
    """

    def __init__(self, columns: Sequence[Column], dialect: Dialect, extraction: Extraction) -> None:
        self.types = {column.name: read_type(column) for column in columns}
        self._columns = columns
        self._dialect = dialect
        self._session = extraction.session
        self._folder = extraction.folder
        self._recoded: dict[File, Path] = {}
        self._looks = 0

    def close(self) -> None:
        """Delete the copies in UTF-8 that were made for reading."""
        shutil.rmtree(self._folder.path / "recoded", ignore_errors=True)

    def path(self, file: File) -> Path:
        """The path at which DuckDB can read a file: its own, or that of a copy in UTF-8."""
        if self._dialect.is_utf8:
            return file.path
        if file not in self._recoded:
            path = self._folder.part("recoded") / f"{len(self._recoded)}.csv"
            with path.open("wb") as out:
                out.writelines(blocks(file, self._dialect))
            self._recoded[file] = path
        return self._recoded[file]

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
        #   auto_detect = false, header = true, delim = ',', ..., rejects_table = 'etl_rejects_1',
        #   rejects_scan = 'etl_rejects_1_scan')
        dialect = self._dialect
        nulls = ", ".join(literal(text) for text in ("", *dialect.nulls))
        columns = ", ".join(
            # A column that is not declared may be called like another, or have an odd name.
            f"{literal(name if name in self.types else f'etl_other_{index}')}: "
            f"{literal(types.get(name, 'VARCHAR'))}"
            for index, name in enumerate(header)
        )
        paths = ", ".join(as_path(self.path(file)) for file in files)
        return (
            f"read_csv([{paths}], columns = {{{columns}}}, auto_detect = false, "
            f"header = {str(dialect.header).lower()}, delim = {literal(dialect.delimiter)}, "
            f"quote = {literal(dialect.quote)}, escape = {literal(dialect.quote)}, "
            f"nullstr = [{nulls}], allow_quoted_nulls = false, "
            f"store_rejects = true, rejects_limit = 0, rejects_table = '{rejects}', "
            f"rejects_scan = '{rejects}_scan'{options})"
        )

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
        tests = [test for column in columns if (test := changed_when_read(column))]
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

        changes = [f"coalesce({change}, false)" for c in self._columns if (change := inexact(c))]
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
