"""How CSV files are written: the delimiter, quotes, escapes, and the texts that mean no value."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from etl_framework.sql.text_form import USUAL, TextForm

UTF_8 = "utf-8"


@dataclass(frozen=True)
class Dialect:
    """How files of a source are written.

    :param quote: the character around values; empty if there is none.
    :param escape: the character before a literal one; a doubled quote is always a literal quote.
    :param header: whether the first line names the columns.
    :param nulls: the texts that mean no value if they are not quoted; an empty text always does.
    :param skip: the number of lines before the header, or before the first row.
    :param footer: the number of lines behind the last row, blank ones not counted.
    :param comment: the character at the start of lines that are no rows; empty if there are none.
    :param trim: whether spaces around values do not belong to them.
    :param form: how numbers, booleans and moments are written.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""
    encoding: str = UTF_8
    header: bool = True
    nulls: tuple[str, ...] = ()
    skip: int = 0
    footer: int = 0
    comment: str = ""
    trim: bool = False
    form: TextForm = USUAL

    @property
    def is_utf8(self) -> bool:
        """Whether the files are UTF-8, so that DuckDB can read them as they are."""
        return codecs.lookup(self.encoding).name == UTF_8

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

    def split(self, first: str, following: Iterator[str]) -> list[str]:
        """Split a record in which spaces stand beside quotes; the spaces do not belong to values.

        :param following: the next lines, of which no more are taken than the record has.
        :raises csv.Error: a quote is in a wrong place.
        """
        text = first
        while True:
            values, place = [], 0
            while match := self._value.match(text, place):
                quoted, plain = match.groups()
                values.append(
                    plain if quoted is None else quoted.replace(self.quote * 2, self.quote)
                )
                place = match.end()
                if not text[place:].strip("\r\n"):
                    return values
                place += 1
            if self._behind_quote.match(text, place):
                raise csv.Error("text follows a closed quote")
            more = next(following, None)
            if more is None:
                raise csv.Error("unexpected end of data")
            text += more

    def is_spaced(self, line: str) -> bool:
        """Whether a line has a space beside a quote, at the start or the end of a value."""
        if not self.quote or self.quote not in line or self.delimiter == " ":
            return False
        if self.escape and self.escape in line:
            return False
        return self._spaced.search(line) is not None

    @cached_property
    def _spaced(self) -> re.Pattern[str]:
        quote, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        return re.compile(rf"(?:^|{delimiter}) +{quote}|{quote} +(?:{delimiter}|[\r\n]|$)")

    @cached_property
    def _value(self) -> re.Pattern[str]:
        """A value, up to the delimiter or the end of the record; the first group is in quotes."""
        quote, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        inside, end = rf"(?:[^{quote}]|{quote}{quote})*", rf"(?={delimiter}|\r?\n?\Z)"
        return re.compile(
            rf" *{quote}({inside}){quote}(?!{quote}) *{end}|(?! *{quote})([^{delimiter}\r\n]*){end}"
        )

    @cached_property
    def _behind_quote(self) -> re.Pattern[str]:
        """A value in quotes with a text behind it."""
        quote, delimiter = re.escape(self.quote), re.escape(self.delimiter)
        inside = rf"(?:[^{quote}]|{quote}{quote})*"
        return re.compile(rf" *{quote}{inside}{quote}(?!{quote}) *[^{delimiter}\r\n ]")

    def without_nulls(self, raw: str, values: list[str]) -> list[str | None]:
        """The values, with None for texts that mean no value; a quoted text is always a value.

        :param raw: the lines that the values come from.
        """
        if self.trim:
            texts = [value.strip(" ") for value in values]
            return [None if text == "" or text in self.nulls else text for text in texts]
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
            elif letter == " " and start:
                continue
            start = False
        return quoted
