"""COPY of CSV and of delimited text: values are read by their columns' types, as in Redshift.

Source: Redshift's Database Developer Guide, "Data conversion parameters" and "DATEFORMAT and
TIMEFORMAT strings".
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import IO, Protocol

from etl_framework.devstack.copy_options import Transfer
from etl_framework.devstack.wire import WireError

RANGES = {"smallint": 15, "integer": 31, "bigint": 63}
TRUE, FALSE = {"t", "true", "y", "yes", "1", "on"}, {"f", "false", "n", "no", "0", "off"}
MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?"
)


class Column(Protocol):
    """A column of the table that is loaded."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> str: ...


@dataclass(frozen=True)
class Failed:
    """A row that could not be loaded."""

    file: str
    line: int
    column: str
    type: str
    raw_line: str
    raw_value: str
    code: int
    reason: str


class Unreadable(Exception):
    """The column cannot hold a value; has Redshift's error code and message."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        super().__init__(reason)


def csv_rows(
    url: str, body: IO[bytes], transfer: Transfer, columns: Sequence[Column], failed: list[Failed]
) -> Iterator[bytes]:
    """Yield the rows of an object as CSV for PostgreSQL; add rows that do not fit to `failed`.

    :raises WireError: more rows failed than MAXERROR allows.
    """
    options, limit = transfer.options, transfer.number("MAXERROR", 0)
    header = transfer.number("IGNOREHEADER", 0)
    text = io.TextIOWrapper(_unpacked(body, options), "utf-8", "surrogateescape", newline="")
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in text:
            taken.append(line)
            yield line

    plain = transfer.format != "CSV"
    rows = csv.reader(
        lines(),
        delimiter=options.get("DELIMITER", "|" if plain else ","),
        quotechar=None if plain else options.get("QUOTE", '"'),
        quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
        doublequote=True,
    )
    readers = [_reader(column, options) for column in columns]
    out, line = io.StringIO(), 1
    number = 0
    while True:
        taken.clear()
        try:
            values = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            raise WireError(f"Invalid quote formatting for CSV: {error}", "XX000") from error
        start, line, number = line, line + len(taken), number + 1
        if number <= header or (not values and "IGNOREBLANKLINES" in options):
            continue
        try:
            out.write(_row("".join(taken), values, columns, readers, options))
        except _BadValue as bad:
            raw = "".join(taken).rstrip("\r\n")[:1024]
            failure = Failed(
                url, start, bad.name, bad.type, raw, bad.value, bad.error.code, str(bad.error)
            )
            failed.append(failure)
            if len(failed) > limit:
                raise WireError(
                    "Load into table failed.  Check 'sys_load_error_detail' system table "
                    "for details.",
                    "XX000",
                ) from bad
        if out.tell() > 1 << 18:
            yield out.getvalue().encode()
            out = io.StringIO()
    yield out.getvalue().encode()


class _BadValue(Exception):
    def __init__(self, column: Column | None, value: str, error: Unreadable) -> None:
        self.name, self.type = (column.name, column.type) if column else ("", "")
        self.value, self.error = value[:1024], error
        super().__init__(str(error))


def _unpacked(body: IO[bytes], options: dict[str, str]) -> IO[bytes]:
    if "GZIP" in options:
        return io.BytesIO(gzip.decompress(body.read()))
    if "BZIP2" in options:
        return io.BytesIO(bz2.decompress(body.read()))
    if "ZSTD" in options:
        import pyarrow as pa

        return io.BytesIO(pa.input_stream(pa.py_buffer(body.read()), "zstd").read())
    return io.BytesIO(body.read())


def _row(
    raw: str,
    values: list[str],
    columns: Sequence[Column],
    readers: Sequence[Callable[[str], str]],
    options: dict[str, str],
) -> str:
    if len(values) > len(columns):
        raise _BadValue(None, "", Unreadable(1202, "Extra column(s) found"))
    if len(values) < len(columns):
        if "FILLRECORD" not in options:
            raise _BadValue(columns[len(values)], "", Unreadable(1203, "Delimiter not found"))
        values = values + [""] * (len(columns) - len(values))
    null = options.get("NULL", "\\N")
    quoted_empty = '""' in raw
    fields = []
    for column, value, read in zip(columns, values, readers, strict=True):
        textual = column.type.startswith("character")
        if value == null or (value == "" and (not textual or "EMPTYASNULL" in options)):
            fields.append("")
            continue
        if textual and value == "" and not quoted_empty and options.get("NULL") == "":
            fields.append("")
            continue
        try:
            fields.append('"' + read(value).replace('"', '""') + '"')
        except Unreadable as error:
            raise _BadValue(column, value, error) from error
    return ",".join(fields) + "\n"


def _reader(column: Column, options: dict[str, str]) -> Callable[[str], str]:
    """Return the function that converts a text for the column; it raises Unreadable."""
    name = column.type.partition("(")[0]
    numbers = [int(n) for n in re.findall(r"\d+", column.type)]
    if name in RANGES:
        return lambda text: _integer(text, RANGES[name])
    if name == "numeric":
        rounding = ROUND_HALF_UP if "ROUNDEC" in options else ROUND_DOWN
        return lambda text: _decimal(text, numbers[0], numbers[1], rounding)
    if name in ("real", "double precision"):
        return _float
    if name == "boolean":
        return _boolean
    if name == "date":
        return lambda text: _moment(text)[:10]
    if name.startswith("timestamp"):
        return _moment
    return lambda text: _text(text, numbers[0] if numbers else 65535, options)


def _integer(text: str, bits: int) -> str:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        letter = next((c for c in text.strip() if not c.isdigit() and c not in "+-"), "")
        reason = f"Invalid digit, Value '{letter}', Pos {max(text.find(letter), 0)}, Type: Integer"
        raise Unreadable(1207, reason)
    if not -(1 << bits) <= int(text) < 1 << bits:
        raise Unreadable(1216, "Overflow")
    return text.strip()


def _decimal(text: str, precision: int, scale: int, rounding: str) -> str:
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise Unreadable(1207, "Invalid digit, Type: Decimal") from error
    if not value.is_finite():
        raise Unreadable(1207, "Invalid digit, Type: Decimal")
    if value.adjusted() >= precision - scale and value != 0:
        raise Unreadable(1216, "Overflow, Type: Decimal")
    return str(value.quantize(Decimal(1).scaleb(-scale), rounding))


def _float(text: str) -> str:
    try:
        return repr(float(text))
    except ValueError as error:
        raise Unreadable(1207, "Invalid digit, Type: Float") from error


def _boolean(text: str) -> str:
    if text.strip().lower() not in TRUE | FALSE:
        raise Unreadable(1210, "Unknown boolean format")
    return "t" if text.strip().lower() in TRUE else "f"


def _moment(text: str) -> str:
    match = MOMENT.fullmatch(text.strip())
    if not match:
        raise Unreadable(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    micro = int((match[7] or "").ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, micro)
    except ValueError as error:
        reason = "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"
        raise Unreadable(1206, reason) from error
    return moment.isoformat(sep=" ")


def _text(text: str, size: int, options: dict[str, str]) -> str:
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        if "ACCEPTINVCHARS" not in options:
            raise Unreadable(1220, "String contains invalid or unsupported UTF8 codepoints.") from (
                error
            )
        data = re.sub("[\ud800-\udfff]", options["ACCEPTINVCHARS"] or "?", text).encode()
    if "\0" in text:
        raise Unreadable(1220, "String contains a NUL character")
    if len(data) > size:
        if "TRUNCATECOLUMNS" not in options:
            raise Unreadable(1204, "String length exceeds DDL length")
        data = data[:size].decode("utf-8", "ignore").encode()
    return data.decode()
