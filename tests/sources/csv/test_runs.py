"""Whole runs over dirty CSV files: within `max_rejected` they go on, beyond it nothing changes."""

from __future__ import annotations

import random
import re
from decimal import Decimal

import pytest

from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import CheckFailedError
from tests.checks.test_in_a_run import Recorder
from tests.conftest import Folder
from tests.sources.conftest import HEADER, ReadCsv
from tests.thorough import amount

GOOD = "{n},ada,1.50,2024-06-25 08:00:00\n"
DIRTY = [
    "x,ada,1.50,2024-06-25\n",
    "{n},ada,1.505,2024-06-25\n",
    "{n}.5,ada,1.50,2024-06-25\n",
    "99999999999,ada,1.50,2024-06-25\n",
    "{n},ada,1.50,2024-06-31\n",
    "{n},ada\n",
    "{n},ada,1.50,2024-06-25,5,6\n",
    "{n},a name of more than twenty bytes,1.50,2024-06-25\n",
    '{n},"a"b,1.50,2024-06-25\n',
    "   \n",
    "é,é,é,é\n",
]
CLEAN = [
    GOOD,
    '{n},"a, b",1e1,2024-06-25\n',
    '{n},"a ""b""",1.0,2024-06-25T10:00:00\n',
    " {n} ,é€😀,-1,2024-06-25\n",
    "{n},,,\n",
    '{n},"a\nb",1,2024-06-25\n',
]


def test_within_max_rejected_the_good_rows_are_published(orders: Folder) -> None:
    orders.write("lake/orders/2.csv", HEADER + "x,bob,1,2024-06-25\n")

    results = orders.run("orders")

    assert results["extract.orders"].counts == {"read": 4, "kept": 3, "rejected": 1}
    assert orders.query("SELECT sum(orders) FROM totals") == [(3,)]


def test_beyond_max_rejected_the_run_stops_and_no_target_changes(orders: Folder) -> None:
    orders.run("orders")
    before = orders.query("SELECT * FROM totals ORDER BY 1")
    ledger = orders.query("SELECT * FROM etl_ledger")
    orders.write("lake/orders/2.csv", HEADER + "x,bob,1,2024-06-25\n" * 5 + GOOD.format(n=9))
    with pytest.raises(CheckFailedError, match="5 of 9 rows of 'orders' were rejected") as raised:
        orders.run("orders")
    assert len(raised.value.diagnostics) == 1
    assert "max_rejected (50%)" in str(raised.value)
    assert orders.query("SELECT * FROM totals ORDER BY 1") == before
    assert orders.query("SELECT * FROM etl_ledger") == ledger


def test_exactly_max_rejected_is_allowed(read_csv: ReadCsv) -> None:
    content = HEADER + "x,bob,1,2024-06-25\n" * 2 + GOOD.format(n=9) * 2

    assert len(read_csv({"1.csv": content}, options="max_rejected: '50%'").rejected) == 2
    assert len(read_csv({"1.csv": content}, options="max_rejected: 2").rejected) == 2
    with pytest.raises(CheckFailedError):
        read_csv({"1.csv": content}, options="max_rejected: 1")


def test_a_second_attempt_never_writes_where_the_first_one_failed(
    orders: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB may delete the file of a COPY that failed after the next COPY has written it."""
    said: list[str] = []
    session = Database.session
    monkeypatch.setattr(Database, "session", lambda self: Recorder(session(self), said))
    orders.write("lake/orders/1.csv", HEADER + GOOD.format(n=1) * 3 + "1.5,ada,1,2024-06-25\n")

    orders.run("orders")

    written = re.findall(r" TO '([^']*parquet)'", "\n".join(said))
    assert any("extract.orders" in file for file in written)
    assert sorted(written) == sorted(set(written))


def _mixture(rng: random.Random, first: int) -> tuple[str, list[int], list[int]]:
    """A file, the ids that it keeps, and the lines that it rejects."""
    text, kept, lines, line = HEADER, [], [], 2
    for number in range(first, first + rng.randint(1, 60)):
        dirty = rng.random() < 0.3
        row = rng.choice(DIRTY if dirty else CLEAN).format(n=number)
        if dirty:
            lines.append(line)
        else:
            kept.append(number)
        blank = "\n" * rng.choice([0, 0, 0, 0, 1, 2])
        text += row + blank
        line += row.count("\n") + len(blank)
    return text, kept, lines


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_dirty_file_alone_adds_up(read_csv: ReadCsv, seed: int) -> None:
    text, kept, lines = _mixture(random.Random(seed), 1)

    reading = read_csv({"1.csv": text}, options="may_be_empty: true\n    max_rejected: '100%'")

    assert sorted(row[0] for row in reading.kept) == kept
    assert len(reading.rejected) == len(lines)
    assert all(row[2] is None or isinstance(row[2], Decimal) for row in reading.kept)


@pytest.mark.slow
def test_thousands_of_small_files_are_read_together(read_csv: ReadCsv) -> None:
    count = amount(1_000, 10_000)
    files: dict[str, str | bytes] = {
        f"{n:05}.csv": HEADER + f"{n},ada,1.50,\n" + ("x,eve,,\n" if n % 1000 == 7 else "")
        for n in range(count)
    }

    reading = read_csv(files)

    assert len(reading.kept) == count
    assert [found.file for found in reading.rejected] == [
        f"orders/{n:05}.csv" for n in range(7, count, 1000)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "in quotes"])
def test_one_very_long_line_is_rejected_alone(read_csv: ReadCsv, quote: str) -> None:
    long = quote + "x" * 100_000_000 + quote
    text = HEADER + "1,ada,,\n2," + long + ",,\n3,eve,,\n"

    reading = read_csv({"1.csv": text})

    assert [row[0] for row in reading.kept] == [1, 3]
    ((line, reason),) = [(found.line, found.reason) for found in reading.rejected]
    assert line == 3 and reason == "a text of 100000000 bytes is too long for varchar(20)"
