"""Find the format in which a file writes its dates and timestamps.

With a format, DuckDB refuses texts that do not have it. Without one, it reads `10:00:00+02` as
`10:00:00`, and seven digits behind the second as six.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

from etl_framework.columns import Column
from etl_framework.connections.files import File
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.text import blocks
from etl_framework.sql.quote import literal

SAMPLE = 1 << 16
USUAL = 0.9
DAY = r"\d{4}-\d\d-\d\d"
# DuckDB's name of every format, and a pattern for the texts that have it.
FORMATS = {
    "timestamp": {
        f"%Y-%m-%d{between}%H:%M:%S{fraction}": f"{DAY}{between}\\d\\d:\\d\\d:\\d\\d{digits}"
        for between in (" ", "T")
        for fraction, digits in (("", ""), (".%f", r"\.\d{1,6}"))
    },
    "date": {"%Y-%m-%d": DAY},
}
OPTIONS = {"timestamp": "timestampformat", "date": "dateformat"}


def formats_of(
    file: File, header: Header, columns: Sequence[Column], dialect: Dialect
) -> dict[str, str]:
    """The format of dates and of timestamps that nearly all values at the start of a file have.

    Empty if one of them has no such format, or if a column has timestamps with a time zone.
    """
    families = {column.type.family for column in columns}
    if "timestamptz" in families:
        return {}
    texts = _sample(file, header, dialect)
    formats = {}
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
        formats[family] = most
    return formats


def _sample(file: File, header: Header, dialect: Dialect) -> dict[str, list[str]]:
    start = next(blocks(file, dialect), b"")[:SAMPLE].decode("utf-8", "replace")
    lines = start.split("\n")[header.line - 1 : -1]
    texts: dict[str, list[str]] = {}
    try:
        for row in dialect.rows(lines):
            for name, text in zip(header, row, strict=False):
                texts.setdefault(name, []).append(text.strip())
    except csv.Error:
        return {}
    return texts


def options(formats: Mapping[str, str]) -> str:
    """Return the options of `read_csv` for the formats: `, dateformat = '%Y-%m-%d'`."""
    return "".join(
        f", {OPTIONS[family]} = {literal(format_)}" for family, format_ in formats.items()
    )
