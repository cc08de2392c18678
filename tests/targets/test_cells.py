"""Each cell of the table in docs/reruns.md: a strategy, and what happens to an interval."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.targets.places import Place, Rows, day

A, B = datetime(2024, 6, 1, 8), datetime(2024, 6, 2, 8)
COLUMNS = {"id": "integer", "at": "timestamp", "note": "varchar(9)"}
HOW: dict[str, dict[str, Any]] = {
    "append": {},
    "snapshot": {},
    "delete+insert": {"incremental_key": "at"},
    "merge": {"unique_key": ["id"]},
    "scd2": {"unique_key": ["id"], "on_missing": "close"},
    "replace": {},
    "truncate+insert": {},
}
# What the first of two days gives, and what it gives when it is run again.
FIRST = {1: "x", 2: "x"}
AGAIN = {
    "a rerun": FIRST,
    "a correction": {1: "y", 2: "x"},
    "a late row": {1: "x", 2: "x", 9: "x"},
    "a row that is gone": {1: "x"},
    "a restated interval": {1: "y", 2: "x"},
}
# The second day: its own row, or for sources that are read whole all rows.
OWN, WHOLE = {3: "x"}, {1: "x", 2: "x", 3: "x"}
BY_DAY = ("append", "delete+insert", "merge")
HISTORY = {
    "a rerun": [(1, "x", 1, None), (2, "x", 1, None), (3, "x", 2, None)],
    "a correction": [(1, "x", 2, None), (1, "y", 1, 2), (2, "x", 1, None), (3, "x", 2, None)],
    "a late row": [(1, "x", 1, None), (2, "x", 1, None), (3, "x", 2, None), (9, "x", 1, 2)],
    "a row that is gone": [(1, "x", 1, None), (2, "x", 2, None), (3, "x", 2, None)],
    "a restated interval": [
        (1, "x", 2, None),
        (1, "y", 1, 2),
        (2, "x", 1, None),
        (3, "x", 2, None),
    ],
}


def expected(strategy: str, situation: str) -> Rows:
    """The rows of the table, with their day or for history with the days of the version."""
    if strategy == "scd2":
        return HISTORY[situation]
    if strategy in ("replace", "truncate+insert"):
        # The rows are the table; an interval that is restated leaves those of a newer one.
        given = WHOLE if situation == "a restated interval" else AGAIN[situation]
        return [(id_, note) for id_, note in sorted(given.items())]
    second = OWN if strategy in BY_DAY else WHOLE
    both = [*AGAIN[situation].items(), *second.items()]
    return sorted(both)


def publish(place: Place, strategy: str, number: int, given: dict[int, str], **how: Any) -> None:
    at = A if number == 1 else B
    columns, rows = COLUMNS, list[tuple[Any, ...]]((id_, at, note) for id_, note in given.items())
    if strategy == "scd2":
        columns, rows = {"id": "integer", "note": "varchar(9)"}, list(given.items())
    load = place.load("t", strategy, rows, columns, **HOW[strategy])
    place.publish(day(number), replace(load, **how))


def held(place: Place, strategy: str) -> Rows:
    if strategy != "scd2":
        return place.rows("SELECT id, note FROM t ORDER BY 1, 2")
    days = "date_part('day', {} AT TIME ZONE 'UTC')::INTEGER"
    bounds = f"{days.format('valid_from')}, {days.format('valid_to')}"
    return place.rows(f"SELECT id, note, {bounds} FROM t ORDER BY 1, 2")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("duckdb", "warehouse.duckdb", tmp_path)


@pytest.mark.parametrize("situation", AGAIN)
@pytest.mark.parametrize("strategy", HOW)
def test_a_cell(place: Place, strategy: str, situation: str) -> None:
    publish(place, strategy, 1, FIRST)
    publish(place, strategy, 2, OWN if strategy in BY_DAY else WHOLE)

    # An interval that is restated leaves tables alone that hold a newer one.
    how = {"older": "keep", "by_interval": True} if situation == "a restated interval" else {}
    publish(place, strategy, 1, AGAIN[situation], **how)

    assert held(place, strategy) == expected(strategy, situation)


@pytest.mark.parametrize("strategy", HOW)
def test_a_column_more(place: Place, strategy: str) -> None:
    """Earlier rows have no value in it, and nothing else changes."""
    publish(place, strategy, 1, FIRST)
    columns = {"id": "integer", "at": "timestamp", "note": "varchar(9)", "more": "integer"}
    rows: Rows = [(1, B, "x", 5), (2, B, "x", None), (4, B, "x", 7)]
    if strategy == "scd2":
        columns = {"id": "integer", "note": "varchar(9)", "more": "integer"}
        rows = [(id_, note, more) for id_, _, note, more in rows]
    place.publish(day(2), place.load("t", strategy, rows, columns, **HOW[strategy]))

    found = place.rows("SELECT id, more FROM t ORDER BY 1, 2 NULLS FIRST")
    new: Rows = [(1, 5), (2, None), (4, 7)]
    kept: Rows = (
        [] if strategy in ("merge", "replace", "truncate+insert") else [(1, None), (2, None)]
    )
    if strategy == "scd2":
        kept = [(1, None)]  # the version of 2 is as it was
    assert found == sorted([*kept, *new], key=lambda row: (row[0], row[1] or 0))


def test_the_table_of_the_documentation_has_these_cells() -> None:
    text = (REPOSITORY / "docs/reruns.md").read_text()
    head, _, *lines = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)[: 2 + len(HOW) - 1]

    assert [cell.strip() for cell in head.split("|")] == ["`strategy`", *AGAIN]
    named = [re.findall(r"`([\w+]+)`", line.split("|")[0]) for line in lines]
    assert sorted(name for names in named for name in names) == sorted(HOW)
