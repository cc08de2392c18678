"""How CSV is written: what stands between values, around them, and for no value."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

UTF_8 = "utf-8"


@dataclass(frozen=True)
class Dialect:
    """How files of a source are written.

    :param quote: around values; empty when nothing is.
    :param escape: before a character that is meant as such; a doubled quote always is one.
    :param header: whether the first line names the columns.
    :param nulls: texts that mean no value when they are not quoted; an empty text always does.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = UTF_8
    header: bool = True
    nulls: tuple[str, ...] = ()

    @property
    def is_utf8(self) -> bool:
        """Whether files can be read as they are."""
        return codecs.lookup(self.encoding).name == UTF_8

    @property
    def first_line(self) -> int:
        """The line that the first row starts on."""
        return 2 if self.header else 1

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Lines taken apart into values.

        :raises csv.Error: a quote is in a wrong place.
        """
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            strict=True,
        )

    def without_nulls(self, raw: str, values: list[str]) -> list[str | None]:
        """Values with None for those that mean none: quoted ones are texts, even when empty.

        :param raw: the lines that the values come from.
        """
        if not any(value == "" or value in self.nulls for value in values):
            return list(values)
        quoted = self._quoted(raw) if self.quote and self.quote in raw else []
        return [
            None if (value == "" or value in self.nulls) and index not in quoted else value
            for index, value in enumerate(values)
        ]

    def _quoted(self, raw: str) -> set[int]:
        """Which values start with a quote."""
        found: set[int] = set()
        index, start, inside, escaped = 0, True, False, False
        for letter in raw:
            if escaped:
                escaped = False
            elif letter == self.escape:
                escaped = True
            elif letter == self.quote and (start or index in found):
                # A doubled quote ends and begins again.
                inside = not inside
                found.add(index)
            elif letter == self.delimiter and not inside:
                index, start = index + 1, True
                continue
            start = False
        return found
