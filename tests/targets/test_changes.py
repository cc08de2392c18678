"""History by the moments at which rows say that they changed, against a plain model of it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.errors import StepError
from tests.connections.redshift.test_connection import WAYS
from tests.targets.places import Place, Rows, day
from tests.thorough import amount

ZONE = "Europe/Berlin"
KEYS = {"unique_key": ["id"], "updated_at": "at"}
# What each data interval has given last: note by key and moment.
Given = dict[tuple[int, Any], str]
HISTORY = 'SELECT id, note, "at", valid_from, valid_to, is_current FROM {} ORDER BY 1, 4, 3'


class History:
    """A table, and what it should hold: the latest data interval that gave a change tells it."""

    def __init__(
        self, place: Place, type_: str = "timestamp", table: str = "h", **how: Any
    ) -> None:
        self.place, self.table, self.how = place, table, how
        self.columns = {"id": "integer", "at": type_, "note": "varchar(9)"}
        self.changes: dict[tuple[int, Any], tuple[int, str]] = {}

    def run(self, number: int, given: Given) -> None:
        rows: Rows = [(key, at, note) for (key, at), note in given.items()]
        load = self.place.load(self.table, "scd2", rows, self.columns, **KEYS, **self.how)
        interval = day(number, ZONE)
        self.place.publish(interval, replace(load, by_interval=True), pipeline=self.table)
        for change, note in given.items():
            if self.changes.get(change, (0, ""))[0] <= number:
                self.changes[change] = number, note

    def versions(self) -> Rows:
        by_key: dict[int, list[tuple[datetime, Any, str]]] = {}
        for (key, at), (_, note) in self.changes.items():
            by_key.setdefault(key, []).append((moment(at), at, note))
        versions = []
        for key, changes in sorted(by_key.items()):
            ends = [begin for begin, *_ in sorted(changes)[1:]]
            for (begin, at, note), end in zip(sorted(changes), [*ends, None], strict=True):
                versions.append((key, note, at, begin, end, end is None))
        return versions

    def found(self) -> Rows:
        rows = self.place.rows(HISTORY.format(self.table))
        return [tuple(map(in_utc, row)) for row in rows]

    def check(self) -> None:
        assert self.found() == [tuple(map(in_utc, row)) for row in self.versions()]


def moment(at: Any) -> datetime:
    at = at if isinstance(at, datetime) else datetime.combine(at, time())
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(ZONE))).astimezone(UTC)


def in_utc(value: Any) -> Any:
    if isinstance(value, str) and value[:4] == "2024":  # as the Data API writes it
        value = datetime.fromisoformat(value)
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def some(chance: random.Random, number: int, type_: str) -> Given:
    """Changes of a day and of the days before: several of a key, and some that others gave too."""
    given: Given = {}
    for _ in range(chance.randrange(6)):
        at: Any = datetime(2024, 6, number) - timedelta(hours=6 * chance.randrange(-3, 5))
        if type_ == "date":
            at = at.date()
        elif type_ == "timestamptz":
            at = at.replace(tzinfo=UTC)
        given[chance.randrange(3), at] = chance.choice("abc")
    return given


@pytest.mark.parametrize("type_", ["timestamp", "timestamptz", "date"])
def test_tables_hold_what_the_model_says(place: Place, type_: str) -> None:
    chance = random.Random(f"changes {type_}")
    for sequence in range(amount(5, 40) if place.kind == "duckdb" else 2):
        history = History(place, type_, f"h{sequence}")
        for _ in range(6):
            number = chance.randrange(3, 7)
            history.run(number, some(chance, number, type_))
            history.check()


def test_any_order_gives_the_same(place: Place) -> None:
    """Late, again, an older change between, two changes of a key in a day, one that both give."""
    given: dict[int, Given] = {
        3: {(1, at(3, 8)): "a", (1, at(3, 20)): "b", (2, at(2, 1)): "old"},
        4: {(1, at(3, 20)): "B", (2, at(4, 0)): "new"},
        5: {(1, at(5, 1)): "c", (1, at(3, 12)): "late"},
    }
    tables = []
    for number, order in enumerate(permutations(given) if place.kind == "duckdb" else [(5, 3, 4)]):
        history = History(place, table=f"h{number}")
        for which in (*order, order[0]):
            history.run(which, given[which])
        history.check()
        tables.append(history.found())
    assert all(table == tables[0] for table in tables)
    assert [row[1] for row in tables[0]] == ["a", "late", "B", "c", "old", "new"]


def test_what_a_rerun_does(place: Place) -> None:
    history = History(place)
    history.run(3, {(1, at(3, 8)): "a", (2, at(3, 8)): "x"})
    history.run(4, {(1, at(4, 8)): "b"})

    history.run(3, {(1, at(3, 8)): "corrected"})

    assert [row[:2] for row in history.found()] == [(1, "corrected"), (1, "b"), (2, "x")]
    history.check()
    with place.open() as warehouse:
        load = place.load("h", "scd2", [], history.columns, **KEYS)
        count, values = load.target.loads_by.held(load, day(3, ZONE))
        assert warehouse.number(count, values) == 2


def test_columns_may_be_called_as_words_of_ours(place: Place) -> None:
    columns = {"id": "integer", "at": "timestamp", "place": "integer", "given": "integer",
               "begins": "integer", "ends": "integer", "changes": "integer"}  # fmt: skip
    for number in (3, 4):
        rows: Rows = [(1, at(number, 8), 1, 2, 3, 4, 5)]
        place.publish(day(number), place.load("h", "scd2", rows, columns, **KEYS))

    assert place.rows("SELECT id, place, begins, ends FROM h") == [(1, 1, 3, 4)] * 2


def test_a_target_in_a_schema_of_its_own(place: Place) -> None:
    history = History(place, table="mart.h")
    for number, note in ((4, "b"), (3, "a"), (4, "c")):
        history.run(number, {(1, at(number, 8)): note})

    history.check()


def test_without_the_column_of_the_interval_the_last_run_wins(place: Place) -> None:
    history = History(place, interval_column=False)
    history.run(4, {(1, at(3, 8)): "newer"})
    history.run(3, {(1, at(3, 8)): "older"})

    assert [row[1] for row in history.found()] == ["older"]
    with place.open() as warehouse:
        assert "etl_interval_start" not in warehouse.table_columns("h")


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(1, datetime(2024, 6, 3), "a"), (1, datetime(2024, 6, 3), "b")], id="twice"),
        pytest.param([(1, None, "a")], id="no moment"),
        pytest.param([(None, datetime(2024, 6, 3), "a")], id="no key"),
    ],
)
def test_changes_that_cannot_be_told_apart(place: Place, rows: Rows) -> None:
    columns = {"id": "integer", "at": "timestamp", "note": "varchar(9)"}
    with pytest.raises(StepError, match="no unique_key and at of their own: 1"):
        place.publish(day(3), place.load("h", "scd2", rows, columns, **KEYS))


def test_a_night_with_two_hours_of_one_name(place: Place) -> None:
    """Versions follow one another in time, whatever clocks show."""
    history = History(place)
    spring = [datetime(2024, 3, 31, 1, 50), datetime(2024, 3, 31, 3, 10)]
    history.run(3, {(1, spring[0]): "a", (1, spring[1]): "b"})

    assert [row[3] for row in history.found()] == [
        datetime(2024, 3, 31, 0, 50, tzinfo=UTC), datetime(2024, 3, 31, 1, 10, tzinfo=UTC),
    ]  # fmt: skip
    history.check()


@pytest.mark.slow
def test_through_the_data_api(stack: object, tmp_path: Path) -> None:
    place = Place("redshift", "", tmp_path, Redshift(**WAYS["the Data API"]))
    history = History(place)
    for number, note in ((3, "a"), (5, "c"), (4, "b"), (3, "A")):
        history.run(number, {(1, at(number, 8)): note, (2, at(2, number)): note})

    assert [row[1] for row in history.found()] == ["A", "b", "c", "A", "b", "c"]
    assert [str(row[5]).lower() for row in history.found()] == ["false", "false", "true"] * 2


def at(number: int, hour: int) -> datetime:
    return datetime(2024, 6, number, hour)
