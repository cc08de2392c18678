"""Runs wait for one another, never for a reader, and never without an end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from threading import Event, Thread

import pytest

from etl_framework.errors import RetryableError
from etl_framework.targets.base import Warehouse
from etl_framework.targets.load import Load
from etl_framework.targets.publication import lock_name
from tests.targets.places import Place, day, entry

AT = datetime(2024, 6, 1, 8)


@pytest.fixture
def server(place: Place) -> Place:
    if place.kind == "duckdb":
        pytest.skip("DuckDB lets one process into a file")
    return place


def load(place: Place, number: int, table: str = "t", **target: object) -> Load:
    return place.load(table, "append", [(number, AT, "x")], **target)


@pytest.fixture
def reader(server: Place) -> Iterator[Warehouse]:
    """A session that has read the tables, and whose transaction is still open."""
    server.publish(day(1), load(server, 1))
    with closing(server.open()) as opened:
        opened.execute("BEGIN")
        assert opened.query("SELECT COUNT(*) FROM t")[1] == [(1,)]
        assert opened.query("SELECT COUNT(*) FROM etl_ledger")[1] == [(1,)]
        yield opened


def test_a_reader_delays_no_run(server: Place, reader: Warehouse) -> None:
    assert server.publish(day(2), load(server, 2)) == [1]
    assert server.publish(day(1), load(server, 3)) == [1]

    assert server.rows("SELECT id FROM t ORDER BY 1") == [(2,), (3,)]


def test_a_run_delays_no_reader(server: Place) -> None:
    server.publish(day(1), load(server, 1))
    with closing(server.open()) as running:
        running.execute("BEGIN")
        for sql in running.lock([lock_name("t")]):
            running.execute(sql)
        running.execute("DELETE FROM t")

        assert server.rows("SELECT id FROM t") == [(1,)]
        assert server.publish(day(1), load(server, 7, "other")) == [1]


def test_a_run_gives_up_and_says_who_holds_the_table(server: Place) -> None:
    server.publish(day(1), load(server, 1))
    with closing(server.open()) as running, server.open() as waiting:
        running.execute("BEGIN")
        for sql in running.lock([lock_name("t")]):
            running.execute(sql)
        (process,) = running.query("SELECT pg_backend_pid()")[1][0]
        waiting.lock_seconds = 1

        with pytest.raises(RetryableError, match=r"waited 1 second \(lock_timeout\)") as gave_up:
            waiting.publish([load(server, 2)], entry(day(2)))

    assert f"process {process} of user" in str(gave_up.value)
    assert "holds 'etl_lock_t' since 20" in str(gave_up.value)
    assert server.rows("SELECT id FROM t") == [(1,)]


def test_a_run_that_is_stopped_while_it_waits_does_not_say_that_it_gave_up(server: Place) -> None:
    server.publish(day(1), load(server, 1))
    with closing(server.open()) as running, server.open() as waiting:
        running.execute("BEGIN")
        for sql in running.lock([lock_name("t")]):
            running.execute(sql)
        ended = Event()

        def stop() -> None:
            while not ended.wait(0.05):
                waiting.cancel()

        thread = Thread(target=stop, daemon=True)
        thread.start()
        with pytest.raises(RetryableError) as stopped:
            waiting.publish([load(server, 2)], entry(day(2)))
        ended.set()
        thread.join()

    assert "lock_timeout" not in str(stopped.value)


def test_a_change_of_columns_gives_up_and_says_who_reads(server: Place, reader: Warehouse) -> None:
    columns = {"id": "integer", "day": "timestamp", "note": "varchar(20)", "more": "integer"}
    wider = server.load("t", "append", [(2, AT, "x", 3)], columns)
    with server.open() as waiting:
        waiting.lock_seconds = 1
        with pytest.raises(RetryableError, match="holds 't' since"):
            waiting.publish([wider], entry(day(2)))


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("kpis_genre", "etl_lock_kpis_genre"),
        ("mart.a_b", "etl_lock_mart_a_b_ba25f1bd"),
        ("mart_a.b", "etl_lock_mart_a_b_1576ed4d"),
        ("Plays", "etl_lock_plays"),
    ],
)
def test_each_table_has_a_lock_of_its_own(table: str, name: str) -> None:
    assert lock_name(table) == name


def test_the_name_of_a_lock_is_no_longer_than_names_are() -> None:
    one, two = (lock_name("t" * 100 + end) for end in "ab")

    assert one != two and {len(one), len(two)} == {63}
