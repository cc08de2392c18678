"""Two first runs at once: both find tables, schema and ledger missing, and both publish."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from threading import Barrier, Thread
from typing import Any

import psycopg2
import pytest

from etl_framework.errors import ConflictError, EtlError
from etl_framework.targets.base import Warehouse
from etl_framework.targets.load import Load
from tests.targets.places import Place, day, entry

AT = datetime(2024, 6, 1, 8)
ROUNDS = 6
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"


def one_row(place: Place, table: str, number: int) -> Load:
    return place.load(table, "merge", [(number, AT, "x")], unique_key=["id"])


def publish(place: Place, load: Load, number: int, barrier: Any = None) -> EtlError | None:
    """Publish one row; what the database said if it did not work in four attempts."""
    error: EtlError | None = None
    for _ in range(4):  # as `until_it_passes` does
        try:
            with place.open() as warehouse:
                if barrier:
                    barrier.wait(60)
                    barrier = None
                warehouse.publish([load], entry(day(number)))
            return None
        except ConflictError as conflict:
            error = conflict
        except EtlError as refused:
            return refused
    return error


@pytest.fixture
def watching(place: Place) -> Iterator[Any]:
    """Waits until somebody waits for a lock in PostgreSQL."""
    if place.kind != "postgres":
        pytest.skip("only PostgreSQL shows who waits")
    connection = psycopg2.connect(place.where)
    connection.autocommit = True

    def until_somebody_waits(thread: Thread) -> None:
        with connection.cursor() as cursor:
            while thread.is_alive():
                cursor.execute(WAITING, (connection.info.dbname,))
                if cursor.fetchone() != (0,):
                    return

    yield until_somebody_waits
    connection.close()


def definitions(warehouse: Warehouse, place: Place) -> list[str]:
    """What the first run of another host does: schema, table and ledger."""
    wanted = one_row(place, "kpis.t", 1).wanted
    return [sql for (sql,) in warehouse.changes(wanted)[0] if not sql.startswith("COMMENT")]


def test_a_run_waits_for_the_creation_of_another_and_goes_on(place: Place, watching: Any) -> None:
    ended: list[EtlError | None] = []
    with closing(place.open()) as other:
        statements = definitions(other, place)
        assert statements[0].startswith("CREATE SCHEMA")
        other.execute("BEGIN")
        for sql in statements:
            other.execute(sql)
        load = one_row(place, "kpis.t", 2)
        thread = Thread(target=lambda: ended.append(publish(place, load, 2)), daemon=True)
        thread.start()
        watching(thread)
        other.execute("COMMIT")
        thread.join(60)

    assert ended == [None]
    assert place.rows("SELECT id FROM kpis.t") == [(2,)]


def test_first_runs_of_two_threads(place: Place) -> None:
    """In one process, where also DuckDB lets two connections into a file."""
    for number in range(ROUNDS):
        table, barrier = f"s{number}.t", Barrier(2)
        ended: list[EtlError | None] = []

        def run(load: Load, which: int, barrier: Barrier, ended: list[EtlError | None]) -> None:
            ended.append(publish(place, load, which, barrier))

        threads = [
            Thread(target=run, args=(one_row(place, table, n), n, barrier, ended), daemon=True)
            for n in (1, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert [str(error) for error in ended if error] == []
        assert len(ended) == 2
        assert sorted(place.rows(f"SELECT id FROM {table}")) == [(1,), (2,)]


def _run(place: Place, load: Load, which: int, barrier: Any, ended: Any) -> None:
    error = publish(place, load, which, barrier)
    ended.put(str(error) if error else "")


@pytest.mark.slow
def test_first_runs_of_two_processes(place: Place) -> None:
    if place.kind == "duckdb":
        pytest.skip("DuckDB lets one process into a file, and tells the other R310")
    context = multiprocessing.get_context("spawn")
    for number in range(3):
        barrier, ended = context.Barrier(2), context.Queue()
        processes = [
            context.Process(
                target=_run, args=(place, one_row(place, f"p{number}.t", n), n, barrier, ended)
            )
            for n in (1, 2)
        ]
        for process in processes:
            process.start()
        told = [ended.get(timeout=60) for _ in processes]
        for process in processes:
            process.join(60)

        assert told == ["", ""]
        assert sorted(place.rows(f"SELECT id FROM p{number}.t")) == [(1,), (2,)]
