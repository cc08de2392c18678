"""The files that each data interval has read: the table `etl_files`, a part of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl_framework.columns import columns_of
from etl_framework.sql.quote import names, quote
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies import Guard
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target

TABLE = "etl_files"
WHAT = "Which files each data interval has read, for sources with new_files."
COLUMNS = columns_of(
    {
        "pipeline": "varchar(63)",
        "source": "varchar(63)",
        "interval_start": "timestamptz",
        "interval_end": "timestamptz",
        "name": "varchar(4096)",
        "version": "varchar(256)",
    }
)
# How many files one statement names.
BATCH = 500
OF_SOURCE = "pipeline = ? AND source = ?"
WITHIN = "interval_start >= ? AND interval_end <= ?"


def files_table(connection: str) -> Table:
    """Return the definition of the table in the database of a connection."""
    return Table(Target(connection=connection, table=TABLE), COLUMNS, WHAT)


def statements(entry: LedgerEntry) -> Iterator[Statement]:
    """The statements that write the files of the data interval, in the place of earlier ones."""
    table, interval = quote(TABLE), (entry.interval.start, entry.interval.end)
    for source, files in entry.files:
        about = (entry.pipeline, source, *interval)
        yield f"DELETE FROM {table} WHERE {OF_SOURCE} AND {WITHIN}", about
        for some in _batches(files):
            places = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(some))
            columns = names([column.name for column in COLUMNS])
            values = tuple(value for file in some for value in (*about, *file))
            yield f"INSERT INTO {table} ({columns}) VALUES {places}", values


def guards(entry: LedgerEntry) -> Iterator[Guard]:
    """Files that another data interval has read by now: two runs have found the same new ones."""
    for source, files in entry.files:
        for some in _batches(files):
            places = ", ".join("?" * len(some))
            yield Guard(
                f"SELECT COUNT(*) FROM {quote(TABLE)} WHERE {OF_SOURCE} AND NOT ({WITHIN}) "
                f"AND name IN ({places})",
                (
                    entry.pipeline,
                    source,
                    entry.interval.start,
                    entry.interval.end,
                    *(name for name, _ in some),
                ),
                f"another run has published {{rows}} of the files of '{source}'",
                "run it again: it takes the files that are left",
            )


def _batches(files: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    for first in range(0, len(files), BATCH):
        yield files[first : first + BATCH]
