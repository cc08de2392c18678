"""Guess the columns of CSV files from their content."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.authoring.catalogue import SourceColumn
from etl_framework.columns import ColumnType
from etl_framework.connections.files import File, Files
from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import DataMissingError
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import as_path

if TYPE_CHECKING:
    import duckdb

More = dict[str, str | bool]
SAMPLE = 100_000
LENGTHS = (5, 10, 20, 50, 100, 255, 1000, 4000, 65535)
UNKNOWN = 255
MOMENTS = ("DATE", "TIMESTAMP")
# Types that nearly all of many texts may have, with the condition for a text of this type.
ENOUGH = 100
NEARLY = {
    "bigint": "regexp_full_match({value}, '[-+]?[0-9]{{1,18}}')",
    "date": "TRY_CAST({value} AS DATE) IS NOT NULL AND strlen({value}) <= 10",
    "timestamp": "TRY_CAST({value} AS TIMESTAMP) IS NOT NULL AND strlen({value}) > 10",
}
# Numbers with no more digits than this are decimals, as money is.
DIGITS, SCALE = 18, 6


def columns_of_csv(connection: Files, root: Path, pattern: str) -> tuple[list[SourceColumn], More]:
    """Return the columns of the first file that matches, and further keys that its source needs.

    :param pattern: may contain the data interval.
    :raises DataMissingError: there is no such file, or it cannot be read as CSV.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="etl-import-") as here:
        files = connection.files(root, re.sub(r"\{\{.*?\}\}", "*", pattern), Path(here))
        if not files:
            raise DataMissingError(f"no file matches '{pattern}'")
        connection.fetch(files[:1])
        engine = Database("400MB", None, Path(here) / "spill", "UTC")
        session = engine.session()
        try:
            return _sniffed(session, files[0])
        except duckdb.Error as error:
            text = str(error)
            hint = "write its `encoding`, such as latin-1" if "utf-8" in text else ""
            message = f"{files[0].name} does not read as CSV: {text.split(chr(10))[0]}"
            raise DataMissingError(message, hint=hint) from error
        finally:
            session.close()
            engine.close()


def _sniffed(session: duckdb.DuckDBPyConnection, file: File) -> tuple[list[SourceColumn], More]:
    path = as_path(file.path)
    dialect = session.execute(
        "SELECT Delimiter, Quote, HasHeader, [DateFormat, TimestampFormat] "
        f"FROM sniff_csv({path}, sample_size = {SAMPLE})"
    ).fetchone()
    rows = f"read_csv({path}, sample_size = {SAMPLE})"
    described = session.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
    texts = f"(FROM read_csv({path}, sample_size = {SAMPLE}, all_varchar = true) LIMIT {SAMPLE})"
    delimiter, mark, header, formats = dialect or (",", "", True, [])
    # Dates and timestamps in another format stay texts, which a template can parse.
    texts_too = any(form and not form.startswith("%Y-%m-%d") for form in formats)
    if not header and session.execute(f"SELECT COUNT(*) FROM {texts}").fetchone() == (0,):
        raise DataMissingError(f"{file.name} is empty")
    more: More = {} if delimiter == "," else {"delimiter": str(delimiter)}
    if len(mark) == 1 and mark not in '"\0':
        more["quote"] = str(mark)
    if not header:
        more["header"] = False
    types = [
        "VARCHAR" if texts_too and str(row[1]).startswith(MOMENTS) else str(row[1])
        for row in described
    ]
    columns = zip((str(row[0]) for row in described), types, strict=True)
    return [_column(session, texts, name, was) for name, was in columns], more


def _column(session: duckdb.DuckDBPyConnection, texts: str, name: str, was: str) -> SourceColumn:
    value = quote(name)

    def one(sql: str) -> tuple[Any, ...]:
        return session.execute(f"SELECT {sql} FROM {texts}").fetchone() or ()

    if was == "DOUBLE":
        plain, whole, behind = one(
            f"bool_and(regexp_full_match({value}, '[-+]?\\d+(\\.\\d+)?')), "
            f"max(length(ltrim(split_part({value}, '.', 1), '-+0'))), "
            f"max(length(split_part({value}, '.', 2)))"
        )
        if plain and behind <= SCALE and whole + behind <= DIGITS:
            return SourceColumn(name, f"decimal({DIGITS},{behind})", was)
    known = None if was == "VARCHAR" else ColumnType.of_duckdb(was.lower())
    if known:
        return SourceColumn(name, str(known), was)
    if was == "VARCHAR" and (column := _nearly(name, one)):
        return column
    (size,) = one(f"max(strlen({value}))")
    room = min(2 * size, LENGTHS[-1]) if size else UNKNOWN
    return SourceColumn(
        name, f"varchar({next(length for length in LENGTHS if length >= room)})", was
    )


def _nearly(name: str, one: Callable[[str], tuple[Any, ...]]) -> SourceColumn | None:
    """Return the column with a type that at least 99% of its many texts have, or None."""
    value, *tried = quote(name), *NEARLY.values()
    parsed = (f"count(*) FILTER ({condition.format(value=value)})" for condition in tried)
    # SELECT count("day"), count(*) FILTER (regexp_full_match("day", ...)), ... FROM (...)
    filled, *counts = one(f"count({value}), {', '.join(parsed)}")
    for type_, count in zip(NEARLY, counts, strict=True):
        if filled >= ENOUGH and filled - count <= filled // 100:
            return SourceColumn(
                name, type_, "VARCHAR", note=f"{filled - count} of {filled} are none"
            )
    return None
