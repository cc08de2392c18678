"""The tables of runs and checks: rows are added once, whoever adds them, and deleted by age."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.targets.history import CHECK_COLUMNS, RUN_COLUMNS, add, forget, known
from tests.connections.redshift.test_connection import WAYS
from tests.targets.places import Place, Rows

NOON = datetime(2024, 6, 25, 12, tzinfo=UTC)
VALUES = {"timestamptz": NOON, "bigint": 2**53 + 1, "double precision": 0.1}


@pytest.fixture
def api(stack: object, tmp_path: Path) -> Place:
    return Place("redshift", "", tmp_path, Redshift(**WAYS["the Data API"]))


def row(columns: Any, record: str, **given: Any) -> tuple[Any, ...]:
    """A row of one of the tables: a value of its type in each column, but where given."""
    given |= {"record": record, "pipeline": given.get("pipeline", "p")}
    return tuple(
        given[c.name] if c.name in given else VALUES.get(c.type.name, c.name[:16]) for c in columns
    )


def put(place: Place, *records: str, **given: Any) -> None:
    with place.open() as warehouse:
        runs = [row(RUN_COLUMNS, record, **given) for record in records]
        checks = [row(CHECK_COLUMNS, record, **given) for record in records for _ in range(2)]
        add(warehouse, "w", runs, checks)


def there(place: Place) -> tuple[Rows, Rows]:
    runs = "SELECT record, rows_read FROM etl_runs ORDER BY record"
    checks = "SELECT record, COUNT(*) FROM etl_checks GROUP BY record ORDER BY record"
    return place.rows(runs), place.rows(checks)


def test_records_are_added_once(place: Place) -> None:
    put(place, "a", "b")
    put(place, "b", "c")

    runs, checks = there(place)
    assert runs == [(record, 2**53 + 1) for record in "abc"]
    assert checks == [(record, 2) for record in "abc"]
    with place.open() as warehouse:
        assert known(warehouse, "p", "b") == {"b", "c"}
        assert known(warehouse, "other", "") == set()


def test_records_are_added_once_through_the_data_api(api: Place) -> None:
    test_records_are_added_once(api)


def test_two_runs_that_add_the_same_at_once(place: Place) -> None:
    if place.kind == "duckdb":
        pytest.skip("one process at a time has a file open")
    put(place, "first")
    start = threading.Barrier(4)

    def adding() -> None:
        start.wait()
        put(place, *(f"r{number}" for number in range(5)))

    threads = [threading.Thread(target=adding) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs, checks = there(place)
    assert [record for record, _ in runs] == ["first", *(f"r{number}" for number in range(5))]
    assert {count for _, count in checks} == {2}


def test_values_that_are_empty_hostile_or_long(place: Place) -> None:
    hostile = "it's \"; DROP TABLE etl_runs; -- \\ é {x} %s ?"
    put(place, hostile, error=hostile, ended_at=None, measure=None, note=hostile)
    many = 30 if place.kind == "redshift" else 150  # which the stand-in reads word by word
    put(place, *(f"n{number:03}" for number in range(many)), steps="[" + "x" * 2_000 + "]")

    assert len(there(place)[0]) == many + 1
    error = "SELECT error FROM etl_runs WHERE ended_at IS NULL"
    assert place.rows(error) == [(hostile,)]
    assert place.rows("SELECT COUNT(*) FROM etl_checks WHERE measure IS NULL") == [(2,)]


def test_old_rows_are_forgotten(place: Place) -> None:
    with place.open() as warehouse:
        assert forget(warehouse, ["p"], NOON) == 0
    put(place, "old", started_at=NOON.replace(day=1))
    put(place, "other", started_at=NOON.replace(day=1), pipeline="q")
    put(place, "new")

    with place.open() as warehouse:
        assert forget(warehouse, ["p"], NOON) == 1
    assert [record for record, _ in there(place)[1]] == ["new", "other"]
