"""kill -9 at statements of publish: the old tables or the new ones, and a rerun mends all.

At every ninth of them, another on each warehouse; `make chaos` kills at every one.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from etl_framework.targets.base import Warehouse
from etl_framework.targets.load import Load
from etl_framework.targets.publication import lock_name
from tests.targets.killed import Order, ordering
from tests.targets.places import Place, day, entry
from tests.thorough import amount

A, B = datetime(2024, 6, 1, 8), datetime(2024, 6, 2, 8)
TABLES = ("replaced", "appended", "merged", "daily", "copied")
ALL = (*TABLES, "etl_ledger", *map(lock_name, TABLES))
State = dict[str, Any]


def loads(place: Place, at: datetime, note: str) -> list[Load]:
    """A target for each strategy."""
    keys: dict[str, dict[str, Any]] = {
        "replaced": {"strategy": "replace"},
        "appended": {"strategy": "append"},
        "merged": {"strategy": "merge", "unique_key": ["id"]},
        "daily": {"strategy": "delete+insert", "incremental_key": "day"},
        "copied": {"strategy": "snapshot"},
    }
    rows = [(1, at, note), (2 if note == "old" else 3, at, note)]
    return [place.load(table, rows=rows, **how) for table, how in keys.items()]


def state(place: Place) -> State:
    """Every table as it is, and the intervals in the ledger."""
    warehouse = place.open()
    try:
        found: State = {}
        for table in (*TABLES, "etl_ledger"):
            what = "interval_start" if table == "etl_ledger" else "*"
            there = warehouse.table_columns(table)
            sql = f'SELECT {what} FROM "{table}" ORDER BY 1, 2' if what == "*" else (
                f'SELECT {what} FROM "{table}" ORDER BY 1'
            )  # fmt: skip
            # An empty table is as good as none: publish makes tables before it fills them.
            found[table] = warehouse.query(sql)[1] if there else []
        return found
    finally:
        warehouse.close()


class Saved:
    """A warehouse's content, to go back to before each kill."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._tables = [table for table in ALL if place.has(table)]
        if place.kind == "duckdb":
            if self._tables:
                shutil.copy(place.folder / place.where, place.folder / "saved")
            return
        place.do(
            "CREATE SCHEMA saved",
            *(f'CREATE TABLE saved."{t}" AS TABLE public."{t}"' for t in self._tables),
        )

    def restore(self) -> None:
        if self._place.kind == "duckdb":
            for file in self._place.folder.glob(f"{self._place.where}*"):
                file.unlink()
            if self._tables:
                shutil.copy(self._place.folder / "saved", self._place.folder / self._place.where)
            return
        gone = set(ALL)
        self._place.do(
            *(f'DROP TABLE IF EXISTS public."{t}"' for t in gone - set(self._tables)),
            *(f'DELETE FROM public."{t}"' for t in self._tables),
            *(f'INSERT INTO public."{t}" TABLE saved."{t}"' for t in self._tables),
        )


@pytest.fixture
def order(place: Place) -> Iterator[Order]:
    yield from ordering(place)


def publish(warehouse: Warehouse, loads: list[Load]) -> None:
    warehouse.publish(loads, entry(day(2)))


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["no tables yet", "tables of an earlier day"])
def test_killed_at_each_statement(place: Place, order: Order, first: bool) -> None:
    """Killed before each statement and after the last: after one is the same as before the next."""
    if not first:
        place.publish(day(1), *loads(place, A, "old"))
    saved, old = Saved(place), state(place)
    new_loads = loads(place, B, "new")
    (place.folder / "orders.pickle").write_bytes(
        pickle.dumps((place, partial(publish, loads=new_loads)))
    )
    word, _, statements = order("never 0").partition(" ")
    new = state(place)
    assert (word, new == old) == ("done", False)

    begin = ("duckdb", "postgres", "redshift").index(place.kind)
    step = amount(13, 1)
    sample = slice(begin % step, None, step)
    kills = [f"before {number}" for number in range(1, int(statements) + 1)][sample]
    for kill in [*kills, f"after {statements}"]:
        saved.restore()
        assert order(kill) == "killed"
        assert state(place) == (new if kill.startswith("after") else old), kill
        place.publish(day(2), *new_loads)
        assert state(place) == new, f"run again after a kill {kill}"
    assert len(new["etl_ledger"]) == (1 if first else 2)
    assert int(statements) > 10
