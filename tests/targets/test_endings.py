"""History by `updated_at` of a source that is read whole: rows that are gone end."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl_framework.connections.redshift.connection import Redshift
from tests.connections.redshift.test_connection import WAYS
from tests.targets.places import Place, Rows, day
from tests.targets.test_changes import KEYS, ZONE, History, at, in_utc, moment
from tests.thorough import amount

# What a run reads: when each key has changed last, and its note.
Read = dict[int, tuple[Any, str]]


class Whole(History):
    """A table and a plain model of it: changes, ends of keys, and moments at which they are back.

    Only a run of the newest data interval, the first time or again, says what is gone at its end.
    """

    def __init__(
        self, place: Place, type_: str = "timestamp", table: str = "h", **how: Any
    ) -> None:
        super().__init__(place, type_, table, on_missing="close", **how)
        self.newest = 0
        self.ends: dict[int, set[datetime]] = defaultdict(set)
        self.backs: dict[int, dict[datetime, Any]] = defaultdict(dict)

    def read(self, number: int, whole: Read) -> None:
        rows: Rows = [(key, at, note) for key, (at, note) in whole.items()]
        load = self.place.load(self.table, "scd2", rows, self.columns, **KEYS, **self.how)
        interval = day(number, ZONE)
        self.place.publish(interval, replace(load, by_interval=False), pipeline=self.table)
        for key, (moved, note) in whole.items():
            if self.changes.get((key, moved), (0, ""))[0] <= number:
                self.changes[key, moved] = number, note
        if number >= self.newest:
            self.newest = number
            self._is_there(set(whole), {key: at for key, (at, _) in whole.items()}, interval.end)

    def _is_there(self, given: set[int], ats: dict[int, Any], end: datetime) -> None:
        for key in {key for key, _ in self.changes}:
            self.ends[key].discard(end)
            self.backs[key].pop(end, None)
            begun = max([*(moment(at) for k, at in self.changes if k == key), *self.backs[key]])
            ended = max(self.ends[key], default=None)
            if key in given and ended and ended > begun:
                self.backs[key][end] = ats[key]
            elif key not in given and begun < end and not (ended and ended > begun):
                self.ends[key].add(end)

    def versions(self) -> Rows:
        versions: Rows = []
        for key in sorted({key for key, _ in self.changes}):
            begun = [(moment(at), at) for k, at in self.changes if k == key]
            begun = sorted([*begun, *self.backs[key].items()])
            for place, (begin, changed) in enumerate(begun):
                later = [other for other, _ in begun[place + 1 :]]
                end = min([*later, *(e for e in self.ends[key] if e > begin)], default=None)
                note = self.changes[key, changed][1]
                versions.append((key, note, changed, begin, end, end is None))
        return versions


def some(chance: random.Random, number: int, type_: str) -> Read:
    """All rows as they are when a day is run, perhaps a little later than its end."""
    whole: Read = {}
    for key in range(3):
        if chance.random() < 0.6:
            at: Any = datetime(2024, 6, number) - timedelta(hours=6 * chance.randrange(-5, 9))
            if type_ == "date":
                at = at.date()
            whole[key] = (at, chance.choice("abc"))
    return whole


@pytest.mark.parametrize("type_", ["timestamp", "date"])
def test_tables_hold_what_the_model_says(place: Place, type_: str) -> None:
    chance = random.Random(f"endings {type_}")
    for sequence in range(amount(12, 200) if place.kind == "duckdb" else 2):
        history = Whole(place, type_, f"h{sequence}")
        number = 2
        for _ in range(8):
            number = chance.choice([number, min(number + 1, 9), chance.randrange(2, number + 1)])
            history.read(number, some(chance, number, type_))
            history.check()


def short(history: History) -> list[tuple[Any, ...]]:
    """Key, note, begin and end as day and hour of Berlin, where midnight is 22:00 in UTC."""
    return [
        (key, note, *(f"{t + timedelta(hours=2):%d %H}" if t else None for t in (begin, end)))
        for key, note, _, begin, end, _ in history.found()
    ]


A, B = (at(3, 8), "a"), (at(3, 9), "b")


def test_a_key_that_is_gone_ends_with_the_interval(place: Place) -> None:
    history = Whole(place)
    history.read(3, {1: A, 2: B})
    for _ in range(2):
        history.read(4, {1: A})

    assert short(history) == [(1, "a", "03 08", None), (2, "b", "03 09", "05 00")]
    history.read(5, {1: A})
    assert short(history)[1] == (2, "b", "03 09", "05 00")
    history.check()


def test_a_rerun_that_gives_the_key_takes_the_end_back(place: Place) -> None:
    history = Whole(place)
    history.read(3, {1: A, 2: B})
    history.read(4, {1: A})
    history.read(4, {1: A, 2: B})

    assert short(history) == [(1, "a", "03 08", None), (2, "b", "03 09", None)]


def test_an_older_interval_ends_nothing(place: Place) -> None:
    """Its run reads what there is today, and the newest one has said what is gone."""
    history = Whole(place)
    history.read(3, {1: A, 2: B})
    history.read(5, {1: A})
    history.read(4, {})
    history.read(3, {1: A, 3: (at(2, 1), "late")})

    assert short(history) == [
        (1, "a", "03 08", None),
        (2, "b", "03 09", "06 00"),
        (3, "late", "02 01", None),
    ]


@pytest.mark.parametrize(
    ("back", "versions"),
    [
        pytest.param(
            (at(6, 7), "new"),
            [("b", "03 09", "05 00"), ("new", "06 07", None)],
            id="with another change",
        ),
        pytest.param(
            (at(3, 9), "b"), [("b", "03 09", "05 00"), ("b", "07 00", None)], id="as it was"
        ),
        pytest.param(
            (at(3, 9), "mended"),
            [("mended", "03 09", "05 00"), ("mended", "07 00", None)],
            id="as it was, corrected",
        ),
        pytest.param(
            (at(4, 1), "late"),
            [("b", "03 09", "04 01"), ("late", "04 01", "05 00"), ("late", "07 00", None)],
            id="with a change from before its end",
        ),
    ],
)
def test_a_key_comes_back(
    place: Place, back: tuple[datetime, str], versions: list[tuple[Any, ...]]
) -> None:
    history = Whole(place)
    history.read(3, {2: B})
    history.read(4, {})
    for _ in range(2):
        history.read(6, {2: back})
        assert short(history) == [(2, *version) for version in versions]
    history.read(6, {})
    ends = short(history)[-1]
    assert ends[3] == ("07 00" if ends[1] == "new" else "05 00")
    history.check()


def test_an_older_change_comes_late_to_a_key_that_has_ended(place: Place) -> None:
    history = Whole(place)
    history.read(3, {2: B})
    history.read(4, {})
    history.read(3, {2: (at(3, 20), "late")})

    assert short(history) == [(2, "b", "03 09", "03 20"), (2, "late", "03 20", "05 00")]


def test_a_change_after_the_end_is_left_to_the_next_interval(place: Place) -> None:
    history = Whole(place)
    history.read(3, {1: (at(4, 6), "early")})  # the run came a day late
    history.read(3, {})
    assert short(history) == [(1, "early", "04 06", None)]

    history.read(4, {})
    assert short(history) == [(1, "early", "04 06", "05 00")]


def test_columns_may_be_called_as_words_of_ours(place: Place) -> None:
    columns = {"id": "integer", "at": "timestamp", "touched": "integer", "changes": "integer",
               "told": "integer", "ended": "integer", "begun": "integer"}  # fmt: skip
    for number, rows in ((3, [(1, at(3, 1), 1, 2, 3, 4, 5)]), (4, [])):
        load = place.load("h", "scd2", rows, columns, **KEYS, on_missing="close")
        place.publish(day(number), load)

    found = place.rows("SELECT id, changes, told, begun, is_current FROM h")
    assert found == [(1, 2, 3, 5, False)]


def test_without_the_column_of_the_interval(place: Place) -> None:
    history = Whole(place, interval_column=False)
    history.read(3, {1: A, 2: B})
    history.read(4, {2: (at(3, 9), "B")})

    assert short(history) == [(1, "a", "03 08", "05 00"), (2, "B", "03 09", None)]


@pytest.mark.slow
def test_through_the_data_api(stack: object, tmp_path: Path) -> None:
    place = Place("redshift", "", tmp_path, Redshift(**WAYS["the Data API"]))
    history = Whole(place)
    for number, whole in ((3, {1: A, 2: B}), (4, {1: A}), (5, {1: A, 2: B}), (4, {1: A})):
        history.read(number, whole)

    assert [(row[0], str(row[5]).lower()) for row in map(in_utc_row, history.found())] == [
        (1, "true"), (2, "false"), (2, "true"),
    ]  # fmt: skip


def in_utc_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map(in_utc, row))
