"""Read CSV files with DuckDB: typed, in parallel, every refused row kept with its reason."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from etl_framework.columns import Column
from etl_framework.connections.directory import File
from etl_framework.sources.base import Extracted, Extraction
from etl_framework.sources.csv_careful import BATCH, judge, judged
from etl_framework.sources.csv_columns import (
    INEXACT,
    changed_when_read,
    inexact,
    read_type,
    value_or_error,
)
from etl_framework.sources.csv_dialect import Dialect
from etl_framework.sources.csv_files import Header, record_of, records
from etl_framework.sources.csv_origins import Part, ReadFile, remember
from etl_framework.sources.csv_rejected import keep_rejected, make_table
from etl_framework.sources.csv_text import blocks, has, has_endless_line
from etl_framework.sources.csv_times import formats_of, misread, options
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import as_path, write_parquet


class CsvRead:
    """One reading of a source's files.

    The quick way reads files together. What it refuses it names by line, and that is right for
    files without quotes and for values that do not parse. A file with anything else wrong (a value
    that would be rounded or cut, a stray quote, bytes that are no text) is read again, record by
    record.
    """

    def __init__(self, columns: Sequence[Column], dialect: Dialect, extraction: Extraction) -> None:
        self._columns = list(columns)
        self._dialect = dialect
        self._types = {column.name: read_type(column) for column in columns}
        self._recoded: dict[File, Path] = {}
        self._session = extraction.session
        self._folder = extraction.folder
        self._extraction = extraction
        self._attempts = 0
        self._parts: dict[str, tuple[int, Header, list[File]]] = {}
        self._only: dict[str, dict[str, list[int]]] = {}

    def into_parquet(self, by_header: Mapping[Header, Sequence[File]]) -> Extracted:
        """Write every file's rows; files of one header are read together.

        :raises StepError: a file cannot be read at all.
        """
        make_table(self._session)
        for header, files in by_header.items():
            self._group(header, list(files))
        if not self._folder.files("data"):
            self._write_empty()
        shutil.rmtree(self._folder.path / "recoded", ignore_errors=True)
        headers = {file.name: header for header, files in by_header.items() for file in files}
        rejected = keep_rejected(self._extraction, headers, self._dialect)
        remember(self._folder.path, self._remembered(rejected))
        kept = sum(kept for kept, _, _ in self._parts.values())
        return Extracted(kept, sum(map(len, rejected.values())))

    def _remembered(self, rejected: Mapping[str, Sequence[int]]) -> dict[str, Part]:
        again: dict[str, list[int]] = {}
        for only in self._only.values():
            for key, lines in only.items():
                again.setdefault(key, []).extend(lines)
        found = {}
        for name, (kept, header, files) in self._parts.items():
            only = self._only.get(name, {})
            reads = []
            for file in files:
                skipped = sorted([*rejected.get(file.name, ()), *again.get(file.name, ())])
                reads.append(ReadFile(file, header, skipped, only.get(file.name, ())))
            found[name] = Part(kept, reads)
        return found

    def _group(self, header: Header, files: list[File]) -> None:
        escape = self._dialect.escape
        careful = [
            file
            for file in files
            if has(file, self._dialect, escape) or has_endless_line(file, self._dialect)
        ]
        files = [file for file in files if file not in careful]
        formats = formats_of(files[0], header, self._columns, self._dialect) if files else {}
        while files:
            doubtful = self._quickly(header, files, formats)
            if doubtful is None:
                formats = {}
                continue
            if not doubtful:
                break
            careful += doubtful
            files = [file for file in files if file not in doubtful]
        for file in careful:
            name = self._next_name()
            part, scratch = self._folder.part("data") / name, self._folder.path / "careful.parquet"
            found = ((file.name, record) for record in records(file, header, self._dialect))
            kept = judge(self._session, found, header, self._columns, scratch, part)
            self._parts[name] = kept, header, [file]
            scratch.unlink()

    def _quickly(
        self, header: Header, files: list[File], formats: Mapping[str, str]
    ) -> list[File] | None:
        """Read files together; or nothing, and give those that need to be read carefully.

        :param formats: how moments are written, by family; any way when there are none.
        :returns: None when they are not all written so.
        """
        import duckdb

        name = self._next_name()
        values = ", ".join(
            f"{value_or_error(c, misread(c) if c.type.family in formats else '')} "
            f"AS {quote(c.name)}"
            for c in self._columns
        )
        free = [column for column in self._columns if column.type.family not in formats]
        rejects = f"etl_rejects_{self._attempts}"
        part = self._folder.part("data") / name
        text = any(column.type.family == "text" for column in self._columns)
        try:
            scan = self._scan(header, files, rejects, self._types, options(formats))
            sql = f"SELECT {values} FROM {scan}"
            kept = write_parquet(self._session, sql, part, text=text, ordered=True)
            doubtful = self._doubtful(rejects, files) or self._changed(header, files, free)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            if formats:
                part.unlink(missing_ok=True)
                return None
            kept, doubtful = 0, self._suspects(error, header, files)
        if doubtful:
            part.unlink(missing_ok=True)
        else:
            self._parts[name] = kept, header, files
            if self._number(f"SELECT count(*) FROM {rejects}"):
                self._judge_refused(rejects, header, files)
        return doubtful

    def _number(self, sql: str) -> int:
        (number,) = self._session.execute(sql).fetchone() or (0,)
        return int(number)

    def _path(self, file: File) -> Path:
        """The file as DuckDB can read it: as it is, or again as UTF-8."""
        if self._dialect.is_utf8:
            return file.path
        if file not in self._recoded:
            path = self._folder.part("recoded") / f"{len(self._recoded)}.csv"
            with path.open("wb") as out:
                out.writelines(blocks(file, self._dialect))
            self._recoded[file] = path
        return self._recoded[file]

    def _next_name(self) -> str:
        """A file name never used before: DuckDB may delete late what a failed COPY wrote."""
        self._attempts += 1
        return f"{self._attempts}.parquet"

    def _scan(
        self,
        header: Header,
        files: Sequence[File],
        rejects: str,
        types: Mapping[str, str],
        options: str = "",
    ) -> str:
        dialect = self._dialect
        nulls = ", ".join(literal(text) for text in ("", *dialect.nulls))
        columns = ", ".join(
            f"{literal(name or f'etl_unnamed_{index}')}: {literal(types.get(name, 'VARCHAR'))}"
            for index, name in enumerate(header)
        )
        paths = ", ".join(as_path(self._path(file)) for file in files)
        return (
            f"read_csv([{paths}], columns = {{{columns}}}, auto_detect = false, "
            f"header = {str(dialect.header).lower()}, delim = {literal(dialect.delimiter)}, "
            f"quote = {literal(dialect.quote)}, escape = {literal(dialect.quote)}, "
            f"nullstr = [{nulls}], allow_quoted_nulls = false, "
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
        return [
            file
            for file in files
            if (path := str(self._path(file))) in odd
            and (odd[path] or has(file, self._dialect, self._dialect.quote))
        ]

    def _changed(
        self, header: Header, files: Sequence[File], columns: Sequence[Column]
    ) -> list[File]:
        """Files with texts that reading has changed: a zone that a timestamp cannot hold."""
        tests = [test for column in columns if (test := changed_when_read(column))]
        return self._where(header, files, tests, {}) if tests else []

    def _where(
        self, header: Header, files: Sequence[File], tests: Sequence[str], types: Mapping[str, str]
    ) -> list[File]:
        """The files with a row that one of the tests is true for.

        :param types: of the columns that are not read as text.
        """
        self._attempts += 1
        rejects = f"etl_rejects_{self._attempts}"
        scan = self._scan(header, files, rejects, types, ", filename = 'etl_file'")
        found = self._session.execute(
            f"SELECT DISTINCT etl_file FROM {scan} WHERE {' OR '.join(tests)}"
        ).fetchall()
        paths = {path for (path,) in found}
        return [file for file in files if str(self._path(file)) in paths]

    def _suspects(self, error: Exception, header: Header, files: list[File]) -> list[File]:
        """The files that can have made the quick way fail."""
        import duckdb

        changes = [f"coalesce({change}, false)" for c in self._columns if (change := inexact(c))]
        if not changes or not (
            INEXACT in str(error) or isinstance(error, duckdb.ConversionException)
        ):
            return files
        try:
            return self._where(header, files, changes, self._types) or files
        except duckdb.Error:
            return files

    def _judge_refused(self, rejects: str, header: Header, files: Sequence[File]) -> None:
        """Judge the lines that DuckDB refused one by one, some of them only for their format."""
        names = {str(self._path(file)): file for file in files}
        rows = self._session.execute(
            f"SELECT DISTINCT file_path, line, trim(csv_line, chr(10) || chr(13)) FROM {rejects} "
            f"JOIN {rejects}_scan USING (scan_id, file_id) ORDER BY 1, 2"
        )
        batches = iter(lambda: rows.fetchmany(BATCH), [])
        found = (
            (names[path].name, record_of(line, raw, header, self._dialect))
            for batch in batches
            for path, line, raw in batch
        )
        name, scratch = self._next_name(), self._folder.path / "refused.parquet"
        part = self._folder.part("data") / name
        kept = judge(self._session, found, header, self._columns, scratch, part)
        if kept:
            lines = self._session.execute(
                f"SELECT etl_file, etl_line FROM ({judged(self._columns, scratch)}) "
                "WHERE etl_bad IS NULL ORDER BY 1, 2"
            ).fetchall()
            only: dict[str, list[int]] = {}
            for file, line in lines:
                only.setdefault(file, []).append(line)
            self._only[name] = only
            self._parts[name] = kept, header, [file for file in files if file.name in only]
        else:
            part.unlink()
        scratch.unlink()

    def _write_empty(self) -> None:
        types = ", ".join(
            f"CAST(NULL AS {c.type.duckdb}) AS {quote(c.name)}" for c in self._columns
        )
        part = self._folder.part("data") / self._next_name()
        write_parquet(self._session, f"SELECT {types} LIMIT 0", part, text=False)
