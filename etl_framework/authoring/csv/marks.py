"""Find the characters that a CSV file is written with: between values, around and before them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from etl_framework.authoring.csv.given import Given
from etl_framework.connections.files import File
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.records import MAX_VALUE
from etl_framework.sources.csv.text import unpacked

DELIMITERS = (",", ";", "\t", "|")
QUOTE, APOSTROPHE, BACKSLASH = '"', "'", "\\"
# In characters. What begins in the first part may end in the second.
LOOKED_AT, LONGEST = 1 << 20, 4 << 20
# Of the rows, so many may have another number of values than most.
TOLERATED = 0.1


@dataclass(frozen=True)
class Fit:
    """How well a file fits a way of writing.

    :param width: the number of values that most rows have.
    :param rows: the number of rows.
    :param bad: the number of lines that do not fit.
    :param first: the number of values in the first row.
    :param before: the number of lines before the first row with that many values, blank lines in
        front of it not counted.
    :param is_broken: whether a row has more than one line.
    """

    dialect: Dialect
    width: int
    rows: int
    bad: int
    first: int
    before: int
    is_broken: bool


def fit_of(file: File, encoding: str, given: Given, looked_at: int = LOOKED_AT) -> Fit:
    """Return the way of writing that fits the start of a file best.

    :param looked_at: how many characters of the file are looked at.
    """
    lines = _lines(file, encoding, max(LONGEST, looked_at))
    # A spreadsheet takes the delimiter from a first line such as `sep=;`.
    told = re.fullmatch(r'"?sep=(.)"?[\r\n]*', lines[0], re.IGNORECASE) if lines else None
    if told:
        rest = _best(lines[1:], encoding, replace(given, delimiter=told[1]), looked_at)
        return replace(rest, first=1, before=rest.before + 1)
    return _best(lines, encoding, given, looked_at)


def _best(lines: Sequence[str], encoding: str, given: Given, looked_at: int) -> Fit:
    text = "".join(lines)
    fits = [
        _fit(lines, replace(dialect, encoding=encoding), looked_at)
        for delimiter in ([given.delimiter] if given.delimiter else DELIMITERS)
        for dialect in _dialects(delimiter, lines, text, given)
    ]
    wide = [fit for fit in fits if fit.width > 1 and fit.bad <= TOLERATED * fit.rows]
    # Texts of a single column may have commas, but not its name.
    start = lines[0] if lines else ""
    narrow = [fit for fit in fits if fit.width == 1 and not fit.bad]
    if not wide and not given.delimiter and _is_spaced(lines):
        return _best(lines, encoding, replace(given, delimiter=" "), looked_at)
    narrow = [] if any(mark in start for mark in DELIMITERS) and not given.delimiter else narrow
    ragged = [fit for fit in fits if fit.width > 1]
    # The first of equals: `"` before other quotes.
    best = min(wide or narrow or ragged or fits, key=lambda fit: (fit.bad + fit.before, -fit.width))
    best = _decimal_commas(best, wide, text)
    same = [fit for fit in fits if fit.dialect.delimiter == best.dialect.delimiter]
    return best if given.quote is not None else _unquoted(best, same, lines)


def _dialects(delimiter: str, lines: Sequence[str], text: str, given: Given) -> Iterator[Dialect]:
    """The ways of writing that the characters of the text make possible, the usual first."""
    quotes = [given.quote] if given.quote is not None else [QUOTE]
    if given.quote is None and APOSTROPHE in text:
        enclosed = QUOTE not in text and _has_enclosed_column(lines, delimiter)
        quotes.insert(0 if enclosed else 1, APOSTROPHE)
    if given.quote is None and QUOTE in text:
        quotes.append("")
    for quote in quotes:
        if delimiter != quote:
            yield Dialect(delimiter, quote)
            if BACKSLASH + (quote or delimiter) in text:
                yield Dialect(delimiter, quote, BACKSLASH)


def _is_spaced(lines: Sequence[str]) -> bool:
    """Whether single blanks part the numbers of every row."""
    rows = [line.rstrip("\r\n").split(" ") for line in lines[:1000] if line.strip()]
    widths = {len(row) for row in rows}
    are_rows = len(rows) > 1 and len(widths) == 1 and widths != {1} and all(map(all, rows))
    return are_rows and all(re.search(r"\d", " ".join(row)) for row in rows[1:])


def _has_enclosed_column(lines: Sequence[str], delimiter: str) -> bool:
    """Whether all values of a column, but perhaps its name, stand between apostrophes."""
    rows = [line.strip("\r\n").split(delimiter) for line in lines[1:1000]]
    columns = zip_longest(*(row for row in rows if row != [""]), fillvalue="")
    return any(
        any(column) and all(re.fullmatch("'.*'|", value) for value in column) for column in columns
    )


def _unquoted(best: Fit, same: Sequence[Fit], lines: Sequence[str]) -> Fit:
    """Return a way without quotes if every line is a row without them, as `0,"` and `1,!"` are."""
    starts = [line.partition(best.dialect.delimiter)[0] for line in lines[1:] if line.strip()]
    are_alike = len({start.isdigit() for start in starts}) < 2
    if best.is_broken and best.dialect.quote and are_alike:
        for fit in same:
            if not fit.dialect.quote and not fit.bad and fit.width == best.width > 1:
                return fit
    return best


def _decimal_commas(best: Fit, fits: Sequence[Fit], text: str) -> Fit:
    """Return a way with another delimiter if commas only stand within numbers: `1,5;2,5`."""
    if best.dialect.delimiter == "," and not re.search(r"\D,|,\D", text):
        for fit in fits:
            if fit.dialect.delimiter != "," and fit.bad + fit.before <= best.bad + best.before:
                return fit
    return best


def _lines(file: File, encoding: str, longest: int) -> list[str]:
    lines: list[str] = []
    taken = 0
    with (
        unpacked(file) as raw,
        io.TextIOWrapper(raw, _with_mark(encoding), "replace", newline="") as text,
    ):
        while taken < longest and (line := text.readline(longest)):
            lines.append(line)
            taken += len(line)
    return lines


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if Dialect(encoding=encoding).is_utf8 else encoding


def _fit(lines: Sequence[str], dialect: Dialect, looked_at: int) -> Fit:
    # Of every row its number of values, the line it starts on, its number of lines.
    rows: list[tuple[int, int, int]] = []
    wrong, seen, characters = 0, 0, 0

    def counted() -> Iterator[str]:
        nonlocal seen, characters
        for line in lines:
            seen += 1
            characters += len(line)
            yield line

    csv.field_size_limit(MAX_VALUE)
    reader = dialect.rows(counted())
    while characters < looked_at:
        start = seen
        try:
            values = next(reader)
        except StopIteration:
            break
        except csv.Error:
            wrong += seen - start
            continue
        if values:
            rows.append((len(values), start, seen - start))
    counts = Counter(width for width, _, _ in rows)
    width = max(counts, key=lambda width: (counts[width], width), default=1)
    before = next((start for wide, start, _ in rows if wide == width), 0)
    wrong += sum(wide != width for wide, start, _ in rows if start >= before)
    while before and not lines[before - 1].strip():
        before -= 1
    first, broken = rows[0][0] if rows else 0, any(many > 1 for _, _, many in rows)
    return Fit(dialect, width, len(rows), wrong, first, before, broken)
