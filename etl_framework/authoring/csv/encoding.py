"""Find the encoding of files, and say where a file is no text in it."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from etl_framework.connections.files import File
from etl_framework.errors import ConfigError, DataMissingError
from etl_framework.sources.csv.dialect import UTF_8
from etl_framework.sources.csv.text import BLOCK, unpacked

# The longest first: UTF-32's mark starts with UTF-16's.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What files of other kinds start with.
OTHERS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save it as CSV"),
    (b"PAR1", "a Parquet file", "its rows are no lines of text"),
    (b"%PDF", "a PDF document", "its rows are no lines of text"),
)
OPTION = "write how it is encoded, for example --encoding cp1252"


def encoding_of(files: Sequence[File], given: str | None) -> str:
    """Return the encoding of files: the one given, the one of a byte order mark, or UTF-8.

    :raises ConfigError: there is no such encoding.
    :raises DataMissingError: a file is no text in this encoding.
    """
    try:
        "a".encode(given or UTF_8)
    except LookupError as error:
        hint = "for example utf-8, latin-1, cp1252, utf-16"
        raise ConfigError(f"there is no encoding '{given}'", hint=hint) from error
    found = {file: given or _marked(file) for file in files}
    encoding = found[files[0]]
    for file in files:
        if found[file] != encoding:
            one, other = encoding.upper(), found[file].upper()
            message = f"{files[0].name} is {one} and {file.name} is {other}"
            raise DataMissingError(message, hint="read them as two sources")
        _is_text(file, encoding)
    return encoding


def _marked(file: File) -> str:
    with unpacked(file) as raw:
        head = raw.read(4096)
    for start, what, hint in OTHERS:
        if head.startswith(start):
            raise DataMissingError(f"{file.name} is {what}, no CSV", hint=hint)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    # Text in letters of ASCII has a zero byte beside each of them.
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        if len(head) > 1 and head[first::2].count(0) > 0.7 * len(head[first::2]):
            return encoding
    return UTF_8


def _is_text(file: File, encoding: str) -> None:
    """Refuse a file with a byte that is wrong in its encoding, and name the place."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, column = 1, 1
    with unpacked(file) as raw:
        while True:
            block = raw.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                good = bytes(error.object[: error.start]).decode(encoding, "replace")
                line, column = _end(good, line, column)
                where, name = f"{file.name}:{line}:{column}", encoding.upper()
                raise DataMissingError(f"{where}: the text is not {name}", hint=OPTION) from error
            line, column = _end(text, line, column)
            if not block:
                return


def _end(text: str, line: int, column: int) -> tuple[int, int]:
    """The line and column behind a text that starts at the given place."""
    breaks = text.count("\n")
    return line + breaks, len(text) - text.rfind("\n") if breaks else column + len(text)
