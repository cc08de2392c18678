"""Read CSV files with DuckDB: typed, in parallel, every refused row kept with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from etl_framework.columns import Column
from etl_framework.connections.directory import File
from etl_framework.errors import StepError
from etl_framework.sources.base import Extracted, Extraction
from etl_framework.sources.csv_files import Header, accounted, inexact_values
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import write_parquet

# `error()` ends the query; the text tells our own refusal from any other error.
INEXACT = "etl: inexact"
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
        self._columns = columns
        self._delimiter = delimiter
        self._session = extraction.session
        self._folder = extraction.folder
        self._source = extraction.source

    def into_parquet(self, by_header: Mapping[Header, Sequence[File]]) -> Extracted:
        """Write every file's rows; files of one header are read together.

        :raises StepError: DuckDB cannot read a file at all.
        """
        self._session.execute(REJECTED)
        kept = 0
        for number, (header, files) in enumerate(by_header.items()):
            kept += self._group(number, header, files)
        if not by_header:
            self._write_empty()
        (rejected,) = self._session.execute("SELECT count(*) FROM etl_rejected").fetchone() or (0,)
        if rejected:
            file = self._folder.part("rejected") / "parse.parquet"
            sql = (
                f"SELECT {literal(self._source)} AS source, 'parse' AS rule, * "
                "FROM etl_rejected ORDER BY file, line"
            )
            write_parquet(self._session, sql, file, text=True)
        return Extracted(kept, int(rejected))

    def _group(self, number: int, header: Header, files: Sequence[File]) -> int:
        import duckdb

        values = ", ".join(self._value(column, strict=True) for column in self._columns)
        rejects = f"etl_rejects_{number}"
        try:
            scan = self._scan(header, files, rejects)
            kept = self._write(number, f"SELECT {values} FROM {scan}")
            inexact = False
        except duckdb.Error as error:
            if INEXACT not in str(error) and not isinstance(error, duckdb.ConversionException):
                raise StepError(f"the files cannot be read: {_first_line(error)}") from error
            rejects, inexact = f"{rejects}_again", True
            scan = self._scan(header, files, rejects)
            values = ", ".join(self._value(column, strict=False) for column in self._columns)
            kept = self._write(number, f"SELECT {values} FROM {scan} WHERE {self._exact()}")
        self._keep_rejects(rejects)
        if inexact:
            self._locate(header, files, f"{rejects}_count")
        self._name_files(files)
        return kept

    def _write(self, number: int, sql: str) -> int:
        text = any(column.type.family == "text" for column in self._columns)
        file = self._folder.part("data") / f"{number}.parquet"
        return write_parquet(self._session, sql, file, text=text)

    def _scan(self, header: Header, files: Sequence[File], rejects: str) -> str:
        wide = {column.name: _wide(column) for column in self._columns}
        types = {name: wide.get(name, "VARCHAR") for name in header}
        columns = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items())
        paths = ", ".join(literal(str(file.path)) for file in files)
        return (
            f"read_csv([{paths}], columns = {{{columns}}}, header = true, auto_detect = false, "
            f"delim = {literal(self._delimiter)}, quote = '\"', escape = '\"', "
            f"store_rejects = true, rejects_limit = 0, rejects_table = '{rejects}', "
            f"rejects_scan = '{rejects}_scan')"
        )

    def _value(self, column: Column, *, strict: bool) -> str:
        name, type_ = quote(column.name), column.type.duckdb
        if column.type.family == "text":
            value = name
        elif _wide(column) == type_:
            return name
        else:
            value = f"CAST({name} AS {type_})"
        if strict:
            refuse = f"CAST(error('{INEXACT}') AS {type_})"
            value = f"CASE WHEN {_refused(column)} THEN {refuse} ELSE {value} END"
        return f"{value} AS {name}"

    def _exact(self) -> str:
        checked = [column for column in self._columns if _inexact(column)]
        return (
            " AND ".join(f"NOT coalesce({_inexact(column)}, false)" for column in checked) or "true"
        )

    def _keep_rejects(self, rejects: str) -> None:
        """One row per refused line: the first error that DuckDB found in it."""
        self._session.execute(
            f"""INSERT INTO etl_rejected
            SELECT file_path, line, column_idx, column_name,
                CASE error_type
                    WHEN 'CAST' THEN regexp_replace(
                        error_message, '(?s)^.*Could not convert string (.*) to ''(.*)''.*$',
                        '\\1 is not a ' || coalesce(lower(regexp_extract(
                            error_message, 'to ''([A-Z ]+)', 1)), 'value'))
                    WHEN 'MISSING COLUMNS' THEN 'the row has too few values'
                    WHEN 'TOO MANY COLUMNS' THEN 'the row has too many values'
                    WHEN 'UNQUOTED VALUE' THEN 'a quote is not closed, or not opened'
                    WHEN 'LINE SIZE OVER MAXIMUM' THEN 'the line is too long'
                    WHEN 'INVALID ENCODING' THEN 'the text is not UTF-8'
                    ELSE error_message END, csv_line
            FROM {rejects} JOIN {rejects}_scan USING (scan_id, file_id)
            QUALIFY row_number() OVER (PARTITION BY file_path, line ORDER BY column_idx) = 1"""
        )

    def _name_files(self, files: Sequence[File]) -> None:
        """Show files as the connection names them, not where they lie on this machine."""
        rejected = self._session.execute("SELECT DISTINCT file FROM etl_rejected").fetchall()
        paths = {path for (path,) in rejected}
        for file in files:
            if str(file.path) in paths:
                sql = "UPDATE etl_rejected SET file = ? WHERE file = ?"
                self._session.execute(sql, [file.name, str(file.path)])

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


def _wide(column: Column) -> str:
    """The type that a column is read with: one that shows what the declared one would round.

    DuckDB compares and casts DOUBLE and DECIMAL up to 18 digits several times faster than wider
    ones; a DOUBLE holds every 32-bit integer exactly.
    """
    if column.type.name in ("smallint", "integer"):
        return "DOUBLE"
    if column.type.name == "bigint":
        return "DECIMAL(38,18)"
    if column.type.family == "decimal":
        digits, scale = column.type.arguments
        room = 18 if digits < 18 else 38
        return f"DECIMAL({room},{max(scale, room - digits + scale)})"
    return column.type.duckdb


def _inexact(column: Column) -> str:
    """SQL that is true when the declared type would change the value; empty when it cannot."""
    name, type_ = quote(column.name), column.type.duckdb
    if column.type.family == "text":
        return f"strlen({name}) > {column.type.arguments[0]}"
    if column.type.family in ("integer", "decimal"):
        return f"TRY_CAST({name} AS {type_}) IS DISTINCT FROM {name}"
    return ""


def _refused(column: Column) -> str:
    """The same, quicker: where a CAST fails by itself it need not be found."""
    name = quote(column.name)
    if _wide(column) == "DOUBLE":
        return f"trunc({name}) <> {name}"
    if column.type.family in ("integer", "decimal"):
        return f"CAST({name} AS {column.type.duckdb}) <> {name}"
    return _inexact(column)


def _first_line(error: Any) -> str:
    return str(error).strip().split("\n")[0]
