"""How moments are written in a file: DuckDB refuses all else when told, and drops it when not.

It reads `10:00:00+02` as `10:00:00`, and seven digits behind the second as six, unless a format
says that there are none.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

from etl_framework.columns import Column
from etl_framework.connections.files import File
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.records import Header
from etl_framework.sources.csv.text import blocks
from etl_framework.sql.quote import literal, quote

SAMPLE = 1 << 16
USUAL = 0.9
DAY = r"\d{4}-\d\d-\d\d"
# What DuckDB calls the format, and the texts that have it.
FORMATS = {
    "timestamp": {
        f"%Y-%m-%d{between}%H:%M:%S{fraction}": f"{DAY}{between}\\d\\d:\\d\\d:\\d\\d{digits}"
        for between in (" ", "T")
        for fraction, digits in (("", ""), (".%f", r"\.\d{1,6}"))
    },
    "date": {"%Y-%m-%d": DAY},
}
OPTIONS = {"timestamp": "timestampformat", "date": "dateformat"}
# What DuckDB makes of `infinity` and `epoch` when it has a format.
MISREAD = "1900-01-01"


def formats_of(
    file: File, header: Header, columns: Sequence[Column], dialect: Dialect
) -> dict[str, str]:
    """Family to format, as nearly all moments at the start of a file are written; else empty."""
    families = {column.type.family for column in columns}
    if "timestamptz" in families:
        return {}
    texts = _sample(file, header, dialect)
    found = {}
    for family in families & FORMATS.keys():
        names = [column.name for column in columns if column.type.family == family]
        seen = [text for name in names for text in texts.get(name, ()) if re.match(DAY, text)]
        fitting = {
            format_: sum(re.fullmatch(pattern, text) is not None for text in seen)
            for format_, pattern in FORMATS[family].items()
        }
        most = max(fitting, key=lambda format_: fitting[format_])
        if fitting[most] <= USUAL * len(seen):
            return {}
        found[family] = most
    return found


def _sample(file: File, header: Header, dialect: Dialect) -> dict[str, list[str]]:
    start = next(blocks(file, dialect), b"")[:SAMPLE].decode("utf-8", "replace")
    lines = start.split("\n")[dialect.first_line - 1 : -1]
    found: dict[str, list[str]] = {}
    try:
        for row in dialect.rows(lines):
            for name, text in zip(header, row, strict=False):
                found.setdefault(name, []).append(text.strip())
    except csv.Error:
        return {}
    return found


def options(formats: Mapping[str, str]) -> str:
    """The options of `read_csv` that hold it to the formats."""
    return "".join(f", {OPTIONS[family]} = {literal(each)}" for family, each in formats.items())


def misread(column: Column) -> str:
    """SQL that is true for a moment that DuckDB made of a word."""
    return f"{quote(column.name)} = CAST('{MISREAD}' AS {column.type.duckdb})"
