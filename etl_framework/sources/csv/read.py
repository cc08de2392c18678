"""Read CSV files with DuckDB, typed and in parallel; keep every refused row with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from etl_framework.columns import Column
from etl_framework.connections.files import File
from etl_framework.sources.base import Extracted, Extraction
from etl_framework.sources.csv.careful import NamedRecords, judge, judged
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.formats import formats_of, options
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.origins import Part, ReadFile, remember
from etl_framework.sources.csv.records import records
from etl_framework.sources.csv.rejected import keep_rejected, make_table
from etl_framework.sources.csv.scan import CsvScan
from etl_framework.sources.csv.signs import has_odd_texts, needs_care
from etl_framework.sql.quote import quote
from etl_framework.sql.typed_texts import odd, value_or_error
from etl_framework.storage.parquet import write_parquet


class CsvRead:
    """Reads the files of a source.

    The quick way reads many files at once. Each line that it refuses is then checked by itself,
    which works for files without quotes. A file with any other problem (a value that would be
    rounded or cut, a stray quote, bytes that are no text) is read again, record by record.
    """

    def __init__(self, columns: Sequence[Column], dialect: Dialect, extraction: Extraction) -> None:
        self._columns = list(columns)
        self._dialect = dialect
        self._scan = CsvScan(self._columns, dialect, extraction)
        self._session = extraction.session
        self._folder = extraction.folder
        self._extraction = extraction
        self._attempts = 0
        self._parts: dict[str, tuple[int, Header, list[File]]] = {}
        self._only: dict[str, dict[str, list[int]]] = {}

    def into_parquet(self, by_header: Mapping[Header, Sequence[File]]) -> Extracted:
        """Write the rows of all files; files with the same header are read together.

        :raises StepError: a file cannot be read at all.
        """
        make_table(self._session)
        for header, files in by_header.items():
            self._group(header, list(files))
        self._scan.close()
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
        parts = {}
        for name, (kept, header, files) in self._parts.items():
            only = self._only.get(name, {})
            reads = []
            for file in files:
                skipped = sorted([*rejected.get(file.name, ()), *again.get(file.name, ())])
                reads.append(ReadFile(file, header, skipped, only.get(file.name, ())))
            parts[name] = Part(kept, reads)
        return parts

    def _group(self, header: Header, files: list[File]) -> None:
        careful = [file for file in files if needs_care(file, header, self._dialect)]
        files = [file for file in files if file not in careful]
        formats = formats_of(files[0], header, self._columns, self._dialect) if files else {}
        by_text = self._has_odd_texts(header, files)
        while files:
            doubtful = self._quickly(header, files, formats, by_text=by_text)
            if doubtful is None:
                formats, by_text = {}, True
                continue
            if not doubtful:
                break
            careful += doubtful
            files = [file for file in files if file not in doubtful]
        for file in careful:
            name = self._next_name()
            part, scratch = self._folder.part("data") / name, self._folder.path / name
            named_records = ((file.name, record) for record in records(file, header, self._dialect))
            kept = self._judge(named_records, header, scratch, part)
            self._parts[name] = kept, header, [file]
            scratch.unlink()

    def _judge(self, named_records: NamedRecords, header: Header, scratch: Path, part: Path) -> int:
        form = self._dialect.form
        return judge(self._session, named_records, header, self._columns, form, scratch, part)

    def _has_odd_texts(self, header: Header, files: Sequence[File]) -> bool:
        typed = any(column.type.family != "text" for column in self._columns)
        return typed and any(has_odd_texts(file, header, self._dialect) for file in files)

    def _quickly(
        self, header: Header, files: list[File], formats: Mapping[str, str], *, by_text: bool
    ) -> list[File] | None:
        """Read files together and return none, or return those that must be read record by record.

        :param formats: the format of every family of types; without one, DuckDB reads any format.
        :param by_text: whether the texts of all columns are looked at beside their values.
        :returns: None if the files must first be read again without formats and by text.
        """
        import duckdb

        again = False
        # SELECT CASE WHEN trunc("id") <> "id" THEN CAST(error('etl: inexact') AS INTEGER)
        #   ELSE CAST("id" AS INTEGER) END AS "id", ... FROM read_csv(['users.csv'], ...)
        name = self._next_name()
        told = {*formats, "float"} if not by_text else set()
        values = ", ".join(
            f"{value_or_error(c, odd(c) if c.type.family in told else '')} AS {quote(c.name)}"
            for c in self._columns
        )
        looked_at = self._columns if by_text else self._looked_at(formats)
        rejects = f"etl_rejects_{self._attempts}"
        part = self._folder.part("data") / name
        text = any(column.type.family == "text" for column in self._columns)
        try:
            scan = self._scan.sql(header, files, rejects, self._scan.types, options(formats))
            sql = f"SELECT {values} FROM {self._scan.rows(scan)}"
            kept = write_parquet(self._session, sql, part, text=text, ordered=True)
            doubtful = self._scan.doubtful(rejects, files)
            doubtful = doubtful or self._scan.changed(header, files, looked_at)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            # A value that is only written in another format may be read without formats.
            kept = 0
            again = not by_text and any(column.type.family in told for column in self._columns)
            doubtful = files if again else self._scan.suspects(error, header, files)
        if doubtful:
            part.unlink(missing_ok=True)
            return None if formats or again else doubtful
        self._parts[name] = kept, header, files
        if self._number(f"SELECT count(*) FROM {rejects}"):
            self._judge_refused(rejects, header, files)
        return []

    def _looked_at(self, formats: Mapping[str, str]) -> list[Column]:
        """The columns whose texts may say more than their values, in the usual forms."""
        return [
            column
            for column in self._columns
            if column.type.family not in {*formats, "float"}
            and column.type.name not in ("smallint", "integer")
        ]

    def _number(self, sql: str) -> int:
        (number,) = self._session.execute(sql).fetchone() or (0,)
        return int(number)

    def _next_name(self) -> str:
        """The name of a file that has not been used before.

        DuckDB may delete the file of a failed COPY late, and DuckDB 1.4 caches what a file held.
        """
        self._attempts += 1
        return f"{self._attempts}.parquet"

    def _judge_refused(self, rejects: str, header: Header, files: Sequence[File]) -> None:
        """Check the lines that DuckDB refused one by one; it refused some only for their format."""
        named_records = self._scan.refused(rejects, header, files)
        name = self._next_name()
        part, scratch = self._folder.part("data") / name, self._folder.path / name
        kept = self._judge(named_records, header, scratch, part)
        if kept:
            rows = judged(self._columns, self._dialect.form, scratch)
            lines = self._session.execute(
                f"SELECT etl_file, etl_line FROM ({rows}) WHERE etl_bad IS NULL ORDER BY 1, 2"
            ).fetchall()
            only: dict[str, list[int]] = {}
            for file, line in lines:
                only.setdefault(file, []).append(line)
            self._only[name] = only
            self._parts[name] = kept, header, [file for file in files if file.name in only]
        else:
            part.unlink()
        scratch.unlink()
