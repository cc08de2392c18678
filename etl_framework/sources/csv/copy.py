"""Copies of CSV files that DuckDB can read, with the same number for every line."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

from etl_framework.connections.files import File
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.records import without_last
from etl_framework.sources.csv.text import lines


def needs_copy(file: File, header: Header, dialect: Dialect) -> bool:
    """Whether DuckDB reads a copy: in UTF-8, without comments, footer and what is before the rows.

    DuckDB leaves out lines at the start as rows, in which a quote joins lines.
    """
    if not dialect.is_utf8 or dialect.comment or dialect.footer:
        return True
    if header.line <= 2:
        return False
    head = list(islice(lines(file, dialect), header.line))
    quoted = dialect.quote and any(dialect.quote in line for line in head[:-1])
    blank = any(not line.strip("\r\n") for line in head)  # DuckDB 1.3 does not count them
    return bool(quoted) or blank or len({_end(line) for line in head}) > 1


def write_copy(file: File, header: Header, dialect: Dialect, path: Path) -> None:
    """Write the copy; blank lines stand for the lines before the rows, and for comments."""
    with path.open("wb") as out:
        text = lines(file, dialect)
        before = sum(1 for _ in islice(text, header.line - 1))
        first = next(text, "\n")
        out.write((_end(first) or "\n").encode() * before)
        text = chain([first], text)
        rows = without_last(text, dialect.footer) if dialect.footer else text
        for line in rows:
            is_comment = dialect.comment and line.startswith(dialect.comment)
            out.write(
                _end(line).encode() if is_comment else line.encode("utf-8", "surrogateescape")
            )


def _end(line: str) -> str:
    """The line end of a line."""
    return line[len(line.rstrip("\r\n")) :]
