"""How CSV files are written: the delimiter, quotes, escapes, and the texts that mean no value."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

UTF_8 = "utf-8"


@dataclass(frozen=True)
class Dialect:
    """How files of a source are written.

    :param quote: the character around values; empty if there is none.
    :param escape: the character before a literal one; a doubled quote is always a literal quote.
    :param header: whether the first line names the columns.
    :param nulls: the texts that mean no value if they are not quoted; an empty text always does.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = UTF_8
    header: bool = True
    nulls: tuple[str, ...] = ()

    @property
    def is_utf8(self) -> bool:
        """Whether the files are UTF-8, so that DuckDB can read them as they are."""
        return codecs.lookup(self.encoding).name == UTF_8

    @property
    def first_line(self) -> int:
        """The number of the line on which the first row starts."""
        return 2 if self.header else 1

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Split lines into values.

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
        """The values, with None for texts that mean no value; a quoted text is always a value.

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
        """The indexes of the values that start with a quote."""
        quoted: set[int] = set()
        index, start, inside, escaped = 0, True, False, False
        for letter in raw:
            if escaped:
                escaped = False
            elif letter == self.escape:
                escaped = True
            elif letter == self.quote and (start or index in quoted):
                # A doubled quote closes the quoted text and opens it again.
                inside = not inside
                quoted.add(index)
            elif letter == self.delimiter and not inside:
                index, start = index + 1, True
                continue
            start = False
        return quoted
