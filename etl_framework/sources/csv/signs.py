"""See in the bytes of a CSV file whether the quick way of reading it would differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from etl_framework.connections.files import File
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.text import BLOCK, blocks, has, has_endless_line, mapped, packing

# Smaller blocks are searched without numpy, which takes longer to import.
SMALL = 1 << 16
# Blocks overlap by so many bytes, so that no sign stands across a border.
OVERLAP = 8
LINE_ENDS = b"\r\n"
DIGITS = b"0123456789"


@dataclass(frozen=True)
class Sign:
    """Bytes that follow one another.

    :param choices: for each place the bytes that may stand there.
    :param rare: the place with a byte that few texts have.
    """

    choices: tuple[bytes, ...]
    rare: int

    def is_in(self, block: bytes) -> bool:
        """Whether a block has the sign."""
        if len(block) < SMALL:
            pattern = b"".join(b"[" + re.escape(choices) + b"]" for choices in self.choices)
            return re.search(pattern, block) is not None
        import numpy

        array = numpy.frombuffer(block, numpy.uint8)
        length = max(len(array) - len(self.choices) + 1, 0)
        found = numpy.ones(length, numpy.bool_)
        # The rare place first: most blocks end the search there.
        for place in sorted(range(len(self.choices)), key=lambda place: place != self.rare):
            part, choices = array[place : place + length], self.choices[place]
            here = part == choices[0]
            for choice in choices[1:]:
                here |= part == choice
            found &= here
            if not found.any():
                return False
        return True


# What DuckDB reads and no other engine: 1_000, +-1 and `10:00: 00`; and what may become 0: 1e-400.
_ODD = (
    Sign((DIGITS, b"_", DIGITS), 1),
    Sign((b"+", b"-", DIGITS + b"."), 0),
    Sign((b"eE", b"-", DIGITS, DIGITS), 0),
    Sign((b":", b" "), 1),
)


def needs_care(file: File, header: Header, dialect: Dialect) -> bool:
    """Whether a file has to be read record by record.

    DuckDB knows no escapes beside doubled quotes, loses very long lines, takes a blank line for a
    row if there is one column, and takes any number of delimiters behind the last value.
    """
    if has(file, dialect, dialect.escape) or has_endless_line(file, dialect):
        return True
    if dialect.comment and dialect.quote and has(file, dialect, dialect.quote):
        return has(file, dialect, dialect.comment)
    if len(header) == 1:
        blank = Sign((LINE_ENDS, b"\n"), 1)
        return any(blank.is_in(block) for block in _blocks(file, dialect))
    return _has_more_delimiters(file, header, dialect)


def _has_more_delimiters(file: File, header: Header, dialect: Dialect) -> bool:
    """Whether a line ends in delimiters behind one that stands behind the last value already."""
    delimiter = dialect.delimiter.encode()
    if len(delimiter) > 1:
        return has(file, dialect, f"{dialect.delimiter * 2}\n")
    behind = Sign((delimiter, delimiter, LINE_ENDS), 0)
    end, found = b"", False
    for block in _blocks(file, dialect):
        found = found or behind.is_in(block)
        end = block[-2:]
    if end == delimiter * 2 or (found and has(file, dialect, dialect.quote)):
        return True
    return found and _most_delimiters(file, dialect, delimiter) > len(header)


def _most_delimiters(file: File, dialect: Dialect, delimiter: bytes) -> int:
    """The largest number of delimiters in a line that ends in two of them."""
    import numpy

    rest, most = b"", 0
    for block in blocks(file, dialect):
        text = rest + block
        whole = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        rest = text[whole:]
        array = numpy.frombuffer(text[:whole], numpy.uint8)
        is_one = array == delimiter[0]
        ends = numpy.flatnonzero((array == LINE_ENDS[0]) | (array == LINE_ENDS[1]))
        counts = numpy.diff(numpy.searchsorted(numpy.flatnonzero(is_one), ends), prepend=0)
        ends_in_two = (ends > 1) & is_one[ends - 1] & is_one[ends - 2]
        most = max(most, int(counts[ends_in_two].max(initial=0)))
    return most


def has_odd_texts(file: File, header: Header, dialect: Dialect) -> bool:
    """Whether some text behind the header may be a value in a form that only DuckDB reads."""
    start, signs = 0, list(_ODD)
    if not packing(file) and dialect.is_utf8:
        with mapped(file) as text:
            for _ in range(header.line - 1):
                start = text.find(b"\n", start) + 1 or len(text)
            signs = [
                sign
                for sign in _ODD
                if any(text.find(bytes([b]), start) >= 0 for b in sign.choices[sign.rare])
            ]
    return any(sign.is_in(block) for block in _blocks(file, dialect, start) for sign in signs)


def _blocks(file: File, dialect: Dialect, start: int = 0) -> Iterator[bytes]:
    """The bytes of a file in blocks, which overlap.

    :param start: where to begin in a file that is not packed and is UTF-8.
    """
    if packing(file) or not dialect.is_utf8:
        end = b""
        for block in blocks(file, dialect):
            yield end + block
            end = block[-OVERLAP:]
        return
    with mapped(file) as text:
        for at in range(start, len(text), BLOCK):
            yield text[max(at - OVERLAP, start) : at + BLOCK]
