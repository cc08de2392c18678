"""Read CSV files with DuckDB: typed, in parallel, every refused row kept with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from etl_framework.columns import Column
from etl_framework.connections.directory import File
from etl_framework.errors import StepError
from etl_framework.sources.base import Extracted, Extraction
from etl_framework.sources.csv_columns import (
    INEXACT,
    inexact,
    read_type,
    reason,
    value,
    value_or_error,
)
from etl_framework.sources.csv_files import Header, accounted, inexact_values
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import write_parquet

# DuckDB shows no more than this of a refused line.
SHOWN = 10_000
NEWLINES = "chr(10) || chr(13)"
REJECTED = (
    'CREATE OR REPLACE TEMP TABLE etl_rejected (file VARCHAR, line BIGINT, "column" INTEGER, '
    'name VARCHAR, reason VARCHAR, "row" VARCHAR)'
)


class CsvRead:
    """One reading of a source's files.

    Numbers are read wider than they are declared, so that a value which would be rounded is seen.
    The first attempt stops at such a value; only then are its rows looked for, one by one.
    """

    def __init__(self, columns: Sequence[Column], delimiter: str, extraction: Extraction) -> None:
        self._columns = list(columns)
        self._delimiter = delimiter
        self._session = extraction.session
        self._folder = extraction.folder
        self._source = extraction.source
        self._names: dict[str, str] = {}

    def into_parquet(self, by_header: Mapping[Header, Sequence[File]]) -> Extracted:
        """Write every file's rows; files of one header are read together.

        :raises StepError: DuckDB cannot read a file at all.
        """
        self._session.execute(REJECTED)
        kept = 0
        self._names = {str(file.path): file.name for files in by_header.values() for file in files}
        for number, (header, files) in enumerate(by_header.items()):
            kept += self._group(number, header, files)
        if not by_header:
            self._write_empty()
        (rejected,) = self._session.execute("SELECT count(*) FROM etl_rejected").fetchone() or (0,)
        if rejected:
            self._show_names()
            file = self._folder.part("rejected") / "parse.parquet"
            sql = (
                f"SELECT {literal(self._source)} AS source, 'parse' AS rule, * "
                "FROM etl_rejected ORDER BY file, line"
            )
            write_parquet(self._session, sql, file, text=True)
        return Extracted(kept, int(rejected))

    def _group(self, number: int, header: Header, files: Sequence[File]) -> int:
        import duckdb

        values = ", ".join(f"{value_or_error(c)} AS {quote(c.name)}" for c in self._columns)
        rejects = f"etl_rejects_{number}"
        try:
            scan = self._scan(header, files, rejects)
            kept = self._write(number, f"SELECT {values} FROM {scan}")
            inexact = False
        except duckdb.Error as error:
            if INEXACT not in str(error) and not isinstance(error, duckdb.ConversionException):
                raise _unreadable(error) from error
            rejects, inexact = f"{rejects}_again", True
            scan = self._scan(header, files, rejects)
            values = ", ".join(f"{value(c)} AS {quote(c.name)}" for c in self._columns)
            kept = self._write(number, f"SELECT {values} FROM {scan} WHERE {self._exact()}")
        self._keep_rejects(rejects)
        if inexact:
            self._locate(header, files, f"{rejects}_count")
        return kept

    def _write(self, number: int, sql: str) -> int:
        text = any(column.type.family == "text" for column in self._columns)
        file = self._folder.part("data") / f"{number}.parquet"
        return write_parquet(self._session, sql, file, text=text)

    def _scan(self, header: Header, files: Sequence[File], rejects: str) -> str:
        wide = {column.name: read_type(column) for column in self._columns}
        types = {name: wide.get(name, "VARCHAR") for name in header}
        columns = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items())
        paths = ", ".join(literal(str(file.path)) for file in files)
        return (
            f"read_csv([{paths}], columns = {{{columns}}}, header = true, auto_detect = false, "
            f"delim = {literal(self._delimiter)}, quote = '\"', escape = '\"', "
            f"store_rejects = true, rejects_limit = 0, rejects_table = '{rejects}', "
            f"rejects_scan = '{rejects}_scan')"
        )

    def _exact(self) -> str:
        """SQL that is true for a row whose values all stay as they are."""
        changes = [change for column in self._columns if (change := inexact(column))]
        return " AND ".join(f"NOT coalesce({change}, false)" for change in changes) or "true"

    def _keep_rejects(self, rejects: str) -> None:
        """One row per refused line: the first error that DuckDB found in it.

        :raises StepError: a quote that is never closed has swallowed the lines behind it.
        """
        joined = f"{rejects} JOIN {rejects}_scan USING (scan_id, file_id)"
        swallowed = self._session.execute(
            f"SELECT file_path, line FROM {joined} WHERE error_type = 'UNQUOTED VALUE' "
            f"AND (contains(trim(csv_line, {NEWLINES}), chr(10)) OR len(csv_line) >= {SHOWN}) "
            "ORDER BY 1, 2 LIMIT 1"
        ).fetchone()
        if swallowed:
            path, line = swallowed
            raise StepError(
                f"{self._names.get(path, path)}:{line}: a quote is opened here and not closed, "
                "so the rows behind it cannot be told apart",
                hint="close it, or double it if it belongs to the text",
            )
        self._session.execute(
            f"INSERT INTO etl_rejected SELECT file_path, line, column_idx, column_name, "
            f"{reason(self._columns)}, trim(csv_line, {NEWLINES}) FROM {joined} QUALIFY "
            "row_number() OVER (PARTITION BY file_path, line ORDER BY column_idx) = 1"
        )

    def _show_names(self) -> None:
        """Give files the names that the connection has for them, not where they lie."""
        rejected = self._session.execute("SELECT DISTINCT file FROM etl_rejected").fetchall()
        for (path,) in rejected:
            if path in self._names:
                sql = "UPDATE etl_rejected SET file = ? WHERE file = ?"
                self._session.execute(sql, [self._names[path], path])

    def _locate(self, header: Header, files: Sequence[File], rejects: str) -> None:
        scan = self._scan(header, files, rejects)
        condition = f"NOT ({self._exact()})"
        row = self._session.execute(f"SELECT count(*) FROM {scan} WHERE {condition}").fetchone()
        found = []
        for file in files:
            known = {
                line
                for (line,) in self._session.execute(
                    "SELECT line FROM etl_rejected WHERE file = ?", [str(file.path)]
                ).fetchall()
            }
            found += inexact_values(file, header, self._columns, self._delimiter, known)
        accounted(found, int(row[0]) if row else 0, files)
        if found:
            self._session.executemany(
                "INSERT INTO etl_rejected VALUES (?, ?, ?, ?, ?, ?)",
                [astuple(each) for each in found],
            )

    def _write_empty(self) -> None:
        types = ", ".join(
            f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in self._columns
        )
        self._write(0, f"SELECT {types} LIMIT 0")


def _unreadable(error: Exception) -> StepError:
    text = str(error).strip().split("\n")[0]
    if "state machine" in text:
        return StepError(
            "the files cannot be read: one of them mixes ways to end a line",
            hint="end every line with LF, or every line with CRLF",
        )
    return StepError(f"the files cannot be read: {text}")
