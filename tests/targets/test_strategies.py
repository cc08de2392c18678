"""Each strategy over data intervals, one after the other and again."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from etl_framework.errors import StepError
from etl_framework.targets.strategies import STRATEGIES, Strategy
from etl_framework.targets.target import Target
from tests.targets.places import Place, Rows, day, entry

pytestmark = pytest.mark.slow
ALL = 'SELECT id, day, note FROM "t" ORDER BY id, note, day'
LEDGER = "SELECT pipeline, interval_start FROM etl_ledger ORDER BY 1, 2"
A, B, C = datetime(2024, 6, 1, 8), datetime(2024, 6, 2, 0), datetime(2024, 6, 2, 23, 59, 59)
KEYS = {"merge": {"unique_key": ["id"]}, "delete+insert": {"incremental_key": "day"}}


INTERVALS = pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        pytest.param("replace", [(1, B, "b"), (3, C, "c")], id="replace keeps the last run's rows"),
        pytest.param(
            "append",
            [(1, A, "a"), (1, B, "b"), (2, A, "a"), (3, C, "c")],
            id="append keeps the rows of both",
        ),
        pytest.param(
            "merge",
            [(1, B, "b"), (2, A, "a"), (3, C, "c")],
            id="merge replaces the rows of the same key",
        ),
        pytest.param(
            "delete+insert",
            [(1, A, "a"), (1, B, "b"), (2, A, "a"), (3, C, "c")],
            id="delete+insert keeps the rows of the other interval",
        ),
    ],
)


def test_no_strategy_is_left_out_of_these_tests() -> None:
    tested = {case.values[0] for case in INTERVALS.args[1]}

    assert tested == set(STRATEGIES)


@pytest.mark.parametrize("name", sorted(STRATEGIES))
class TestContract:
    """What every strategy keeps."""

    def test_says_what_a_run_does(self, name: str) -> None:
        assert STRATEGIES[name].__doc__ != Strategy.__doc__
        assert f"`{name}`" in str(Target.model_fields["strategy"].description)

    def test_its_keys_are_keys_of_targets(self, name: str) -> None:
        assert set(STRATEGIES[name].keys) <= set(Target.model_fields)

    def test_a_target_without_its_keys_is_refused(self, name: str) -> None:
        for key in STRATEGIES[name].keys:
            with pytest.raises(
                ValidationError, match=f"strategy '{re.escape(name)}' needs '{key}'"
            ):
                Target(connection="w", table="t", strategy=name)

    def test_it_inserts_last_and_never_truncates(self, name: str, place: Place) -> None:
        load = place.load("t", name, [(1, B, "b")], **KEYS.get(name, {}))

        statements = load.target.loads_by.statements(load, "stage", entry(day(2), "p"))

        assert statements[-1][0].startswith('INSERT INTO "t" ("id", "day", "note")')
        assert not any("TRUNCATE" in sql for sql, _ in statements)
        assert all(sql.count("?") == len(values) for sql, values in statements)

    def test_no_rows_at_all_can_be_published(self, name: str, place: Place) -> None:
        place.publish(day(1), place.load("t", name, [], **KEYS.get(name, {})))

        assert place.rows(ALL) == []


@INTERVALS
def test_two_intervals_and_each_again(place: Place, strategy: str, expected: Rows) -> None:
    keys: dict[str, Any] = KEYS.get(strategy, {})
    first = place.load("t", strategy, [(1, A, "a"), (2, A, "a")], **keys)
    second = place.load("t", strategy, [(1, B, "b"), (3, C, "c")], **keys)

    place.publish(day(1), first)
    place.publish(day(1), first)
    place.publish(day(2), second)
    assert place.rows(ALL) == expected
    place.publish(day(2), second)
    assert place.rows(ALL) == expected
    assert len(place.rows(LEDGER)) == 2


def test_delete_insert_leaves_no_row_of_its_interval_that_the_run_did_not_make(
    place: Place,
) -> None:
    for rows in ([(1, B, "old"), (2, C, "gone")], [(1, B, "new")]):
        place.publish(day(2), place.load("t", "delete+insert", rows, incremental_key="day"))

    assert place.rows(ALL) == [(1, B, "new")]


@pytest.mark.parametrize(
    ("type_", "first", "second"),
    [
        pytest.param("date", date(2024, 6, 1), date(2024, 6, 2), id="a date"),
        pytest.param(
            "timestamp", datetime(2024, 6, 1, 23, 30), datetime(2024, 6, 2), id="a local timestamp"
        ),
        pytest.param("timestamptz", day(1, "Europe/Berlin").start, day(2, "Europe/Berlin").start,
                     id="a moment"),
    ],
)  # fmt: skip
def test_the_interval_is_the_pipelines_own_day(
    place: Place, type_: str, first: Any, second: Any
) -> None:
    """22:00 UTC begins the day of Berlin; the rows on both edges stay where they belong."""
    columns = {"at": type_, "note": "varchar(9)"}

    def load(at: Any, note: str) -> Any:
        return place.load("t", "delete+insert", [(at, note)], columns, incremental_key="at")

    place.publish(day(1, "Europe/Berlin"), load(first, "one"))
    place.publish(day(2, "Europe/Berlin"), load(second, "two"))
    place.publish(day(1, "Europe/Berlin"), load(first, "one more"))
    place.publish(day(2, "Europe/Berlin"), load(second, "two more"))

    assert place.rows('SELECT note FROM "t" ORDER BY "at"') == [("one more",), ("two more",)]


@pytest.mark.parametrize(
    ("strategy", "keys", "columns", "row"),
    [
        pytest.param("merge", {"unique_key": ["id"]}, None, (None, A, "x"),
                     id="merge with a key that is NULL"),
        pytest.param("delete+insert", {"incremental_key": "day"}, None, (1, C, "x"),
                     id="delete+insert of a row outside of the interval"),
        pytest.param("delete+insert", {"incremental_key": "day"}, None, (1, None, "x"),
                     id="delete+insert of a row without a time"),
        pytest.param("delete+insert", {"incremental_key": "day"}, {"day": "date"},
                     (date(2024, 6, 1),), id="delete+insert by date in an hourly pipeline"),
    ],
)  # fmt: skip
def test_a_repeated_run_never_doubles_rows(
    place: Place, strategy: str, keys: dict[str, Any], columns: dict[str, str] | None, row: Any
) -> None:
    """Either the run is refused before anything changes, or again leaves the same table."""
    hour = day(1, hours=1)
    load = place.load("t", strategy, [row], columns, **keys)
    try:
        place.publish(hour, load)
    except StepError:
        assert not place.has("t") or place.rows('SELECT count(*) FROM "t"') == [(0,)]
        return
    place.publish(hour, load)

    assert place.rows('SELECT count(*) FROM "t"') == [(1,)]


def test_a_key_of_several_columns(place: Place) -> None:
    keys = {"unique_key": ["id", "note"]}
    place.publish(day(1), place.load("t", "merge", [(1, A, "x"), (1, A, "y")], **keys))
    place.publish(day(2), place.load("t", "merge", [(1, B, "y")], **keys))

    assert place.rows(ALL) == [(1, A, "x"), (1, B, "y")]


def test_all_targets_and_the_ledger_change_together(place: Place) -> None:
    """The second target is wrong, so the first one and the ledger stay as they are."""
    one, two = (place.load(name, "replace", [(1, A, name)]) for name in ("one", "two"))
    place.publish(day(1), one, two)
    place.do('DROP TABLE "two"', 'CREATE TABLE "two" (other integer)')
    newer = place.load("one", "replace", [(2, B, "newer")])

    with pytest.raises(StepError):
        place.publish(day(2), newer, two)

    assert place.rows('SELECT id, note FROM "one"') == [(1, "one")]
    assert len(place.rows(LEDGER)) == 1


def test_two_pipelines_share_a_warehouse(place: Place) -> None:
    for pipeline in ("a", "b", "a"):
        load = place.load(f"of_{pipeline}", "append", [(1, A, pipeline)])
        place.publish(day(1), load, pipeline=pipeline)

    assert [name for name, _ in place.rows(LEDGER)] == ["a", "b"]
    assert place.rows("SELECT count(*) FROM of_a") == [(1,)]


def test_append_of_no_rows_counts_as_done(place: Place) -> None:
    place.publish(day(1), place.load("t", "append", []))
    place.publish(day(1), place.load("t", "append", [(1, A, "late")]))

    assert place.rows(ALL) == []


def test_a_target_in_a_schema_of_its_own(place: Place) -> None:
    for number in (1, 2):
        place.publish(day(number), place.load("mart.t", "append", [(number, A, "x")]))

    assert place.rows('SELECT id FROM "mart"."t" ORDER BY 1') == [(1,), (2,)]
    assert not place.has("t")
