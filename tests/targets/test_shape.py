"""Other columns come with the rows: a run that fails, or is killed, leaves the table as it was."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from etl_framework.checks.row_count import RowCount
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.errors import CheckFailedError, StepError
from etl_framework.targets.base import Warehouse
from etl_framework.targets.checks import TargetCheck
from etl_framework.targets.load import Load
from etl_framework.targets.shape import Shape
from tests.connections.redshift.test_connection import WAYS
from tests.targets.killed import Order, ordering
from tests.targets.places import Place, day, entry
from tests.targets.test_columns import renamed

FIRST = {"id": "integer", "v": "varchar(3)"}
WIDE = {"id": "bigint", "w": "varchar(9)", "more": "integer"}
AT = datetime(2024, 6, 1)
State = tuple[dict[str, str], list[tuple[Any, ...]]]


def state(place: Place) -> State:
    with closing(place.open()) as warehouse:
        rows = warehouse.query("SELECT * FROM t ORDER BY id")[1]
        return warehouse.table_columns("t"), rows


def other(place: Place, columns: dict[str, str] = WIDE, **how: Any) -> Load:
    """A row for a table that is to have another name, another type and a column more."""
    row = {"id": 2, "w": "longer"[: 9 if columns == WIDE else 3], "more": 7}
    load = place.load("t", "append", [tuple(row[name] for name in columns)], columns, **how)
    return renamed(load, w="v") if "w" in columns else load


def failing(load: Load) -> Load:
    check = TargetCheck(
        RowCount(type="row_count", max=1), "t", "t", tuple(load.columns), ("x.yml", 1, 1)
    )
    return replace(load, checks=(check,))


@pytest.fixture
def filled(place: Place) -> Place:
    place.publish(day(1), place.load("t", "append", [(1, "abc")], FIRST))
    return place


def test_a_check_that_fails_leaves_the_table_as_it_was(filled: Place) -> None:
    before = state(filled)
    with pytest.raises(CheckFailedError):
        filled.publish(day(2), failing(other(filled)))

    assert state(filled) == before
    filled.publish(day(2), other(filled))
    columns, rows = state(filled)
    assert [*columns] == ["id", "w", "etl_interval_start", "more"]
    assert [(row[0], row[1], row[3]) for row in rows] == [(1, "abc", None), (2, "longer", 7)]


def test_rows_that_a_guard_refuses(filled: Place) -> None:
    before = state(filled)
    columns = {"id": "integer", "w": "varchar(3)", "more": "integer"}
    load = renamed(filled.load("t", "merge", [(2, "x", 1), (2, "y", 1)], columns,
                               unique_key=["id"]), w="v")  # fmt: skip
    with pytest.raises(StepError, match="no unique_key of their own: 1"):
        filled.publish(day(2), load)
    assert state(filled) == before


def test_one_of_two_tables_is_refused(filled: Place) -> None:
    before = state(filled)
    filled.do("CREATE TABLE u (id date)")
    with pytest.raises(StepError, match="table u has other columns"):
        filled.publish(day(2), other(filled), filled.load("u", "append", [(1,)], {"id": "integer"}))
    assert state(filled) == before


def test_another_run_has_changed_the_table_meanwhile(filled: Place) -> None:
    """What it left to do is looked up again behind the lock."""
    with filled.open() as warehouse:
        look = Shape.of(warehouse, [other(filled).wanted])
        assert [table.name for table in look.altered] == ["t"]
        filled_by_other = other(filled, {"id": "integer", "w": "varchar(3)"})
    filled.publish(day(3), replace(filled_by_other, rows=1))
    with filled.open() as warehouse:
        warehouse.execute("BEGIN")
        warehouse.alter_together(look.altered)
        warehouse.execute("COMMIT")
        assert "more" in warehouse.table_columns("t")


@pytest.fixture
def order(place: Place) -> Iterator[Order]:
    yield from ordering(place)


def publish(warehouse: Warehouse, load: Load) -> None:
    warehouse.publish([load], entry(day(2)))


@pytest.mark.slow
def test_killed_at_each_statement(filled: Place, order: Order) -> None:
    """In one run after the other, until one comes to its end; each kill leaves the old table."""
    columns = {"id": "integer", "w": "varchar(3)", "more": "integer"}
    load = renamed(filled.load("t", "append", [(2, "new", 7)], columns), w="v")
    (filled.folder / "orders.pickle").write_bytes(
        pickle.dumps((filled, partial(publish, load=load)))
    )
    before, number = state(filled), 0
    while order(f"before {(number := number + 1)}") == "killed":
        found = state(filled)
        if "more" in found[0]:
            break
        assert found == before
    columns_then, rows = state(filled)
    assert [*columns_then] == ["id", "w", "etl_interval_start", "more"]
    assert [row[0] for row in rows] == [1, 2]
    assert number > 9


@pytest.mark.slow
def test_through_the_data_api(stack: object, tmp_path: Path) -> None:
    """A batch is one transaction, and has the changes in it."""
    api = Place("redshift", "", tmp_path, Redshift(**WAYS["the Data API"]))
    api.publish(day(1), api.load("t", "append", [(1, "abc")], FIRST))
    before = state(api)
    columns = {"id": "integer", "w": "varchar(3)", "more": "integer"}
    twice = renamed(api.load("t", "merge", [(2, "x", 1), (2, "y", 1)], columns,
                             unique_key=["id"]), w="v")  # fmt: skip
    with pytest.raises(StepError, match="no unique_key of their own: 1"):
        api.publish(day(2), twice)
    assert state(api) == before

    api.publish(day(2), other(api))
    columns_then, rows = state(api)
    assert [*columns_then] == ["id", "w", "etl_interval_start", "more"]
    assert [(row[0], row[1], row[3]) for row in rows] == [(1, "abc", None), (2, "longer", 7)]
