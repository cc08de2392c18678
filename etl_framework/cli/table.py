"""Format rows as a table for people, and as CSV and JSON for machines."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

Rows = Sequence[Sequence[Any]]
# No column of a table is cut to fewer characters than this.
NARROWEST = 8


def text_table(columns: Sequence[str], rows: Rows, width: int = 60) -> str:
    """Return a table with numbers aligned to the right; cells are cut after `width` characters.

    In a terminal the widest columns are cut so that the table fits.
    """
    cells = [[_cut(_text(value), width) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(columns)]
    right = [
        any(isinstance(row[i], int | float | Decimal) for row in rows) for i in range(len(columns))
    ]
    widths = _fitting(widths, right, _terminal())

    def line(values: Sequence[str]) -> str:
        cut = [_cut(value, widths[i]) for i, value in enumerate(values)]
        aligned = [
            value.rjust(widths[i]) if right[i] else value.ljust(widths[i])
            for i, value in enumerate(cut)
        ]
        return "  ".join(aligned).rstrip()

    return "\n".join([line(columns), line(["-" * size for size in widths]), *map(line, cells)])


def _terminal() -> int:
    """How many characters a line of the terminal has; 0 if the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _fitting(widths: Sequence[int], fixed: Sequence[bool], line: int) -> list[int]:
    """Widths that fit into a line, if columns that are not fixed can be cut so far.

    :param fixed: for each column whether it keeps its width: a number that is cut is another one.
    :param line: how many characters there are; 0 for as many as wanted.
    """
    fitting = list(widths)
    over = sum(widths) + 2 * (len(widths) - 1) - line if line else 0
    while over > 0:
        texts = [(size, i) for i, size in enumerate(fitting) if not fixed[i]]
        size, place = max(texts, default=(0, 0))
        if size <= NARROWEST:
            break
        fitting[place] -= 1
        over -= 1
    return fitting


def as_csv(columns: Sequence[str], rows: Rows) -> str:
    """Return CSV with a header; NULL is written as an empty value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if v is None else _text(v) for v in row] for row in rows])
    return out.getvalue().rstrip("\n")


def as_json(columns: Sequence[str], rows: Rows) -> str:
    """Return a JSON list of objects; decimals become texts, so that no digit is lost."""
    objects = [dict(zip(columns, row, strict=True)) for row in rows]
    return json.dumps(objects, indent=2, default=_text, ensure_ascii=False)


FORMATS = {"table": text_table, "csv": as_csv, "json": as_json}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime | date):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return str(value)


def _cut(text: str, width: int) -> str:
    flat = text.replace("\r", "").replace("\n", "\\n")
    return flat if len(flat) <= width else flat[: width - 1] + "…"
