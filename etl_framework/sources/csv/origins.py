"""Find the CSV file, and the line in it, that a row of the relation came from."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, groupby, tee
from pathlib import Path
from typing import Any

from etl_framework.connections.files import File
from etl_framework.sources.base import Origin
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.records import Record, records
from etl_framework.sources.csv.text import count_lines, lines_at, shown

PARTS = "parts.json"
# The number, line and text of a row.
PlacedRow = tuple[int, int, str]


@dataclass(frozen=True)
class ReadFile:
    """A CSV file that was read into a part.

    :param skipped: the first lines of the rows that the part does not have, ascending.
    :param only: the lines of all rows that the part has, if they are few; then `skipped` is not
        used.
    """

    file: File
    header: Header
    skipped: Sequence[int]
    only: Sequence[int] = ()


@dataclass(frozen=True)
class Part:
    """A Parquet file of the relation, with the CSV files whose rows it has, in that order.

    :param kept: the number of rows in it.
    """

    kept: int
    files: Sequence[ReadFile]


def remember(folder: Path, parts: dict[str, Part]) -> None:
    """Write to a file what `origins` needs to know about each part."""
    facts = {name: asdict(part) for name, part in parts.items()}
    (folder / PARTS).write_text(json.dumps(facts, default=str), encoding="utf-8")


def remembered(folder: Path, name: str) -> Part | None:
    """Read from the file what is known about a part; None if there is no such part."""
    if not (folder / PARTS).is_file():
        return None
    facts = json.loads((folder / PARTS).read_text(encoding="utf-8")).get(name)
    return facts and Part(facts["kept"], [_read_file(file_facts) for file_facts in facts["files"]])


def _read_file(facts: dict[str, Any]) -> ReadFile:
    file = File(**{**facts["file"], "path": Path(facts["file"]["path"])})
    header = Header(tuple(facts["header"]["names"]), facts["header"]["line"])
    return ReadFile(file, header, facts["skipped"], facts["only"])


def origins(part: Part, numbers: Iterator[int], dialect: Dialect) -> Iterator[Origin]:
    """Where rows of a part came from; nothing if its files do not have as many rows as the part.

    If every line behind the header is a record, lines only have to be counted. Otherwise the files
    are parsed again.

    :param numbers: the numbers of the rows in the part, from 0, ascending.
    """
    counts = [_lines(read, dialect) for read in part.files]
    # Blank lines and records of several lines make the sum larger, and nothing makes it smaller.
    by_line = sum(counts) == part.kept
    if not by_line:
        counts = [sum(1 for _ in _kept(read, dialect)) for read in part.files]
        if sum(counts) != part.kept:
            return
    starts = list(accumulate(counts, initial=0))[:-1]
    for index, group in groupby(numbers, key=lambda number: bisect_right(starts, number) - 1):
        read, start = part.files[index], starts[index]
        wanted = (number - start for number in group)
        rows = _by_line(read, wanted, dialect) if by_line else _by_record(read, wanted, dialect)
        for number, line, text in rows:
            yield Origin(start + number, read.file.name, line, text)


def _lines(read: ReadFile, dialect: Dialect) -> int:
    """The number of a file's rows in the part, if every line behind the header is a record."""
    if read.only:
        return len(read.only)
    return count_lines(read.file, dialect) - (read.header.line - 1) - len(read.skipped)


def _kept(read: ReadFile, dialect: Dialect) -> Iterator[Record]:
    skipped = set(read.skipped)
    all_records = records(read.file, read.header, dialect)
    return (record for record in all_records if record.line not in skipped)


def _by_line(read: ReadFile, numbers: Iterator[int], dialect: Dialect) -> Iterator[PlacedRow]:
    first = read.header.line
    kept_before = [line - first - index for index, line in enumerate(read.skipped)]
    row_lines, wanted = tee(
        (
            number,
            read.only[number] if read.only else first + number + bisect_right(kept_before, number),
        )
        for number in numbers
    )
    texts = lines_at(read.file, dialect, (line for _, line in wanted))
    for (number, line), text in zip(row_lines, texts, strict=True):
        yield number, line, shown(text)


def _by_record(read: ReadFile, numbers: Iterator[int], dialect: Dialect) -> Iterator[PlacedRow]:
    numbered_records = enumerate(_kept(read, dialect))
    for number in numbers:
        record = next(record for index, record in numbered_records if index == number)
        yield number, record.line, record.raw
