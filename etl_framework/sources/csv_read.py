"""Read CSV files with DuckDB: typed, in parallel, every refused row kept with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl_framework.columns import Column
from etl_framework.connections.directory import File
from etl_framework.sources.base import Extracted, Extraction
from etl_framework.sources.csv_careful import read_carefully
from etl_framework.sources.csv_columns import (
    INEXACT,
    inexact,
    read_type,
    reason,
    value_or_error,
)
from etl_framework.sources.csv_files import Header, has_quotes
from etl_framework.sources.csv_origins import Part, ReadFile, remember
from etl_framework.sources.csv_rejected import TABLE, keep_rejected, make_table
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import as_path, write_parquet


class CsvRead:
    """One reading of a source's files.

    The quick way reads files together. What it refuses it names by line, and that is right for
    files without quotes and for values that do not parse. A file with anything else wrong (a value
    that would be rounded or cut, a stray quote, bytes that are no text) is read again, record by
    record.
    """

    def __init__(self, columns: Sequence[Column], delimiter: str, extraction: Extraction) -> None:
        self._columns = list(columns)
        self._delimiter = delimiter
        self._session = extraction.session
        self._folder = extraction.folder
        self._extraction = extraction
        self._attempts = 0
        self._parts: dict[str, tuple[int, Header, list[File]]] = {}

    def into_parquet(self, by_header: Mapping[Header, Sequence[File]]) -> Extracted:
        """Write every file's rows; files of one header are read together.

        :raises StepError: a file cannot be read at all.
        """
        make_table(self._session)
        for header, files in by_header.items():
            self._group(header, list(files))
        if not self._folder.files("data"):
            self._write_empty()
        headers = {file.name: header for header, files in by_header.items() for file in files}
        rejected = keep_rejected(self._extraction, headers, self._delimiter)
        remember(
            self._folder.path,
            {
                name: Part(kept, [ReadFile(f, header, rejected.get(f.name, ())) for f in files])
                for name, (kept, header, files) in self._parts.items()
            },
        )
        kept = sum(kept for kept, _, _ in self._parts.values())
        return Extracted(kept, sum(map(len, rejected.values())))

    def _group(self, header: Header, files: list[File]) -> None:
        careful = []
        while files:
            doubtful = self._quickly(header, files)
            if not doubtful:
                break
            careful += doubtful
            files = [file for file in files if file not in doubtful]
        for file in careful:
            name = self._next_name()
            part = self._folder.part("data") / name
            scratch = self._folder.path / f"{name}.split"
            kept = read_carefully(
                self._session, file, header, self._columns, self._delimiter, scratch, part
            )
            self._parts[name] = kept, header, [file]

    def _quickly(self, header: Header, files: list[File]) -> list[File]:
        """Read files together; or nothing, and give those that need to be read carefully."""
        import duckdb

        name = self._next_name()
        values = ", ".join(f"{value_or_error(c)} AS {quote(c.name)}" for c in self._columns)
        rejects = f"etl_rejects_{self._attempts}"
        part = self._folder.part("data") / name
        text = any(column.type.family == "text" for column in self._columns)
        try:
            sql = f"SELECT {values} FROM {self._scan(header, files, rejects)}"
            kept = write_parquet(self._session, sql, part, text=text, ordered=True)
            doubtful = self._doubtful(rejects, files)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            kept, doubtful = 0, self._suspects(error, header, files)
        if doubtful:
            part.unlink(missing_ok=True)
        else:
            self._parts[name] = kept, header, files
            self._note_rejects(rejects, files)
        return doubtful

    def _next_name(self) -> str:
        """A file name never used before: DuckDB may delete late what a failed COPY wrote."""
        self._attempts += 1
        return f"{self._attempts}.parquet"

    def _scan(self, header: Header, files: Sequence[File], rejects: str, options: str = "") -> str:
        types = {column.name: read_type(column) for column in self._columns}
        columns = ", ".join(
            f"{literal(name or f'etl_unnamed_{index}')}: {literal(types.get(name, 'VARCHAR'))}"
            for index, name in enumerate(header)
        )
        paths = ", ".join(as_path(file.path) for file in files)
        return (
            f"read_csv([{paths}], columns = {{{columns}}}, header = true, auto_detect = false, "
            f"delim = {literal(self._delimiter)}, quote = '\"', escape = '\"', "
            f"store_rejects = true, rejects_limit = 0, rejects_table = '{rejects}', "
            f"rejects_scan = '{rejects}_scan'{options})"
        )

    def _doubtful(self, rejects: str, files: Sequence[File]) -> list[File]:
        """Files with refused lines that DuckDB may have taken apart wrongly."""
        found = self._session.execute(
            "SELECT file_path, bool_or(error_type NOT IN "
            "('CAST', 'MISSING COLUMNS', 'TOO MANY COLUMNS')) "
            f"FROM {rejects} JOIN {rejects}_scan USING (scan_id, file_id) GROUP BY 1"
        ).fetchall()
        odd = dict(found)
        return [f for f in files if str(f.path) in odd and (odd[str(f.path)] or has_quotes(f))]

    def _suspects(self, error: Exception, header: Header, files: list[File]) -> list[File]:
        """The files that can have made the quick way fail."""
        import duckdb

        changes = [f"coalesce({change}, false)" for c in self._columns if (change := inexact(c))]
        if not changes or not (
            INEXACT in str(error) or isinstance(error, duckdb.ConversionException)
        ):
            return files
        scan = self._scan(header, files, f"etl_suspects_{self._attempts}", ", filename='etl_file'")
        try:
            found = self._session.execute(
                f"SELECT DISTINCT etl_file FROM {scan} WHERE {' OR '.join(changes)}"
            ).fetchall()
        except duckdb.Error:
            return files
        paths = {path for (path,) in found}
        return [file for file in files if str(file.path) in paths] or files

    def _note_rejects(self, rejects: str, files: Sequence[File]) -> None:
        """One row per refused line: the first error that DuckDB found in it."""
        self._session.execute(
            f"INSERT INTO {TABLE} SELECT file_path, line, "
            "column_idx + CAST(error_type = 'MISSING COLUMNS' AS INTEGER), column_name, "
            f"{reason(self._columns)}, trim(csv_line, chr(10) || chr(13)) "
            f"FROM {rejects} JOIN {rejects}_scan USING (scan_id, file_id) QUALIFY "
            "row_number() OVER (PARTITION BY file_path, line ORDER BY column_idx) = 1"
        )
        rejected = self._session.execute(f"SELECT DISTINCT file FROM {TABLE}").fetchall()
        names = {str(file.path): file.name for file in files}
        for (path,) in rejected:
            if path in names:
                sql = f"UPDATE {TABLE} SET file = ? WHERE file = ?"
                self._session.execute(sql, [names[path], path])

    def _write_empty(self) -> None:
        types = ", ".join(
            f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in self._columns
        )
        part = self._folder.part("data") / self._next_name()
        write_parquet(self._session, f"SELECT {types} LIMIT 0", part, text=False)
