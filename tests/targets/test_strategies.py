"""Each strategy over data intervals, one after the other and again."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from pydantic import ValidationError

from etl_framework.errors import StepError
from etl_framework.interval import DataInterval
from etl_framework.targets.load import Load
from etl_framework.targets.strategies import STRATEGIES, Strategy
from etl_framework.targets.target import Target
from tests.targets.places import Place, Rows, day, entry

pytestmark = pytest.mark.slow
ALL = 'SELECT id, day, note FROM "t" ORDER BY id, note, day'
LEDGER = "SELECT pipeline, interval_start FROM etl_ledger ORDER BY 1, 2"
A, B, C = datetime(2024, 6, 1, 8), datetime(2024, 6, 2, 0), datetime(2024, 6, 2, 23, 59, 59)
KEYS = {
    "merge": {"unique_key": ["id"]},
    "scd2": {"unique_key": ["id"]},
    "delete+insert": {"incremental_key": "day"},
}
MARKED = ["append", "merge", "snapshot"]


INTERVALS = pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        pytest.param("replace", [(1, B, "b"), (3, C, "c")], id="replace keeps the last run's rows"),
        pytest.param(
            "truncate+insert",
            [(1, B, "b"), (3, C, "c")],
            id="truncate+insert keeps the last run's rows",
        ),
        pytest.param(
            "append",
            [(1, A, "a"), (1, B, "b"), (2, A, "a"), (3, C, "c")],
            id="append keeps the rows of both",
        ),
        pytest.param(
            "snapshot",
            [(1, A, "a"), (1, B, "b"), (2, A, "a"), (3, C, "c")],
            id="snapshot keeps the rows of both",
        ),
        pytest.param(
            "scd2",
            [(1, A, "a"), (1, B, "b"), (2, A, "a"), (3, C, "c")],
            id="scd2 keeps a version of each",
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
                Target(connection="w", table="t", strategy=name, interval_column=False)

    def test_it_inserts_last_and_never_truncates(self, name: str, place: Place) -> None:
        load = place.load("t", name, [(1, B, "b")], **KEYS.get(name, {}))

        statements = load.target.loads_by.statements(load, "stage", entry(day(2), "p"))

        assert statements[-1][0].startswith('INSERT INTO "t" ("id", "day", "note"')
        assert not any("TRUNCATE" in sql for sql, _ in statements)
        inserted = load.target.loads_by.inserted(load, "stage", entry(day(2), "p"))
        for sql, values in [*statements, inserted]:
            assert sql.count("?") == len(values)

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
    place.do('DROP TABLE "two"', 'CREATE TABLE "two" (other integer NOT NULL)')
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


@pytest.mark.parametrize("strategy", [*MARKED, "delete+insert"])
class TestCorrection:
    """A run of an interval that was published before leaves what a first run would have."""

    def load(self, place: Place, strategy: str, rows: Rows, **target: Any) -> Load:
        return place.load("t", strategy, rows, **KEYS.get(strategy, {}), **target)

    def test_more_rows_come(self, place: Place, strategy: str) -> None:
        for rows in ([], [(1, A, "x")], [(1, A, "x"), (2, A, "late")]):
            assert place.publish(day(1), self.load(place, strategy, rows)) == [len(rows)]

        assert place.rows(ALL) == [(1, A, "x"), (2, A, "late")]
        assert [targets[0]["rows"] for targets in place.published()] == [2]

    def test_rows_go_and_change(self, place: Place, strategy: str) -> None:
        place.publish(day(1), self.load(place, strategy, [(1, A, "x"), (2, A, "gone")]))
        place.publish(day(2), self.load(place, strategy, [(3, B, "next")]))
        place.publish(day(1), self.load(place, strategy, [(1, A, "y")]))

        assert place.rows(ALL) == [(1, A, "y"), (3, B, "next")]

    @pytest.mark.parametrize("harm", ["DROP TABLE t", "DELETE FROM t"])
    def test_the_table_was_dropped_or_emptied(self, place: Place, strategy: str, harm: str) -> None:
        load = self.load(place, strategy, [(1, A, "x")])
        place.publish(day(1), load)
        place.do(harm)

        assert place.publish(day(1), load) == [1]
        assert place.rows(ALL) == [(1, A, "x")]

    def test_a_day_takes_the_place_of_its_hours(self, place: Place, strategy: str) -> None:
        """Each interval lies in the new one, for the schedule was changed from hours to days."""
        begin = day(1).start + timedelta(hours=7)
        hour = DataInterval(begin, begin + timedelta(hours=2))
        place.publish(hour, self.load(place, strategy, [(1, A, "hour")]))
        place.publish(day(1), self.load(place, strategy, [(2, A, "day")]))

        assert place.rows(ALL) == [(2, A, "day")]
        assert len(place.rows(LEDGER)) == 1


@pytest.mark.parametrize("strategy", ["append", "merge"])
def test_an_hour_of_a_day_that_is_there_is_refused(place: Place, strategy: str) -> None:
    """The schedule was changed from days to hours: the day's rows cannot be told by the hour."""
    keys = KEYS.get(strategy, {})
    place.publish(day(1), place.load("t", strategy, [(1, A, "x"), (2, A, "x")], **keys))
    for hours in (0, 5):
        begin = day(1).start + timedelta(hours=hours)
        hour = DataInterval(begin, begin + timedelta(hours=1))
        with pytest.raises(
            StepError, match="t has rows of another data interval, which has a part"
        ):
            place.publish(hour, place.load("t", strategy, [(1, A, "hour")], **keys))

    assert place.rows(ALL) == [(1, A, "x"), (2, A, "x")]
    place.publish(day(2, hours=1), place.load("t", strategy, [(3, B, "hour")], **keys))
    assert len(place.rows(ALL)) == 3


class TestMerge:
    """Rows of a later interval are newer, whichever run ends last."""

    def test_an_older_interval_leaves_newer_rows(self, place: Place) -> None:
        first = place.load("t", "merge", [(1, A, "old"), (2, A, "old")], unique_key=["id"])
        place.publish(day(1), first)
        place.publish(day(2), place.load("t", "merge", [(1, B, "new")], unique_key=["id"]))

        assert place.publish(day(1), first) == [1]
        assert place.rows(ALL) == [(1, B, "new"), (2, A, "old")]
        assert [targets[0]["rows"] for targets in place.published()] == [1, 1]

    @pytest.mark.parametrize("column", ["etl_interval_start", False])
    def test_rows_that_are_gone_are_deleted(self, place: Place, column: str | bool) -> None:
        """Each run brings all rows; those of the newest interval are the table, in any order."""
        how = {"unique_key": ["id"], "on_missing": "delete", "interval_column": column}
        for number, ids in ((1, (1, 2)), (3, (2, 3)), (2, (1, 2, 3, 4)), (3, (3, 5))):
            rows = [(id_, A, str(number)) for id_ in ids]
            load = place.load("t", "merge", rows, **how)
            place.publish(day(number), replace(load, by_interval=True, older="keep"))

        assert place.rows('SELECT id, note FROM "t" ORDER BY 1') == [(3, "3"), (5, "3")]
        assert [targets[0]["rows"] for targets in place.published()] == [2, 0, 2]
        older = replace(place.load("t", "merge", [(1, A, "x")], **how), by_interval=True)
        with pytest.raises(StepError, match="t holds the rows of a newer data interval"):
            place.publish(day(2), older)
        twice = place.load("t", "merge", [(1, A, "x"), (1, A, "y")], **how)
        with pytest.raises(StepError, match="have no unique_key of their own: 1"):
            place.publish(day(3), twice)

    def test_what_cannot_become_of_missing_rows(self, place: Place) -> None:
        with pytest.raises(ValidationError, match="strategy 'merge' has no on_missing: close"):
            place.load("t", "merge", [], unique_key=["id"], on_missing="close")

    def test_without_the_column_the_last_run_wins(self, place: Place) -> None:
        for number, at in ((2, B), (1, A)):
            load = place.load(
                "t", "merge", [(1, at, "x")], unique_key=["id"], interval_column=False
            )
            place.publish(day(number), load)

        assert place.rows('SELECT * FROM "t"') == [(1, A, "x")]

    def test_rows_from_before_the_column_was_there_are_the_oldest(self, place: Place) -> None:
        keys = {"unique_key": ["id"]}
        plain = place.load("t", "merge", [(1, A, "x")], interval_column=False, **keys)
        place.publish(day(1), plain)
        place.publish(day(1), place.load("t", "merge", [(1, A, "y")], **keys))

        assert place.rows(ALL) == [(1, A, "y")]


class TestAppend:
    """Rows are told from those of other intervals."""

    KEYED = {"id": "integer", "note": "varchar(9)"}

    def keyed(self, place: Place, rows: Rows, **target: Any) -> Load:
        load = place.load("t", "append", rows, self.KEYED, **target)
        columns = tuple(c.model_copy(update={"primary_key": c.name == "id"}) for c in load.columns)
        return replace(load, columns=columns)

    def test_the_same_rows_of_another_interval_are_refused(self, place: Place) -> None:
        place.publish(day(1), self.keyed(place, [(1, "x"), (2, "x")]))

        with pytest.raises(StepError, match=r"rows for t have the primary key of .*: 2") as refused:
            place.publish(day(2), self.keyed(place, [(1, "x"), (2, "x"), (3, "x")]))
        assert "`snapshot`" in refused.value.diagnostics[0].hint
        assert place.rows("SELECT id FROM t ORDER BY id") == [(1,), (2,)]
        assert len(place.rows(LEDGER)) == 1

    def test_rows_from_before_the_column_are_never_doubled(self, place: Place) -> None:
        """Their interval is not known, so that a run of it again cannot replace them."""
        plain = place.load("t", "append", [(1, A, "x")], interval_column=False)
        place.publish(day(1), plain)
        place.publish(day(2), place.load("t", "append", [(2, B, "y")]))

        with pytest.raises(StepError, match="before rows knew their data interval, and 1 of its"):
            place.publish(day(1), place.load("t", "append", [(1, A, "x")]))
        assert place.rows(ALL) == [(1, A, "x"), (2, B, "y")]

        place.do("UPDATE t SET etl_interval_start = '2024-06-01 00:00:00+00' WHERE id = 1")
        place.publish(day(1), place.load("t", "append", [(1, A, "z")]))
        assert place.rows(ALL) == [(1, A, "z"), (2, B, "y")]

    def test_again_without_the_column_adds_nothing(self, place: Place) -> None:
        load = place.load("t", "append", [(1, A, "x")], interval_column=False)

        assert [place.publish(day(1), load) for _ in range(3)] == [[1], [0], [0]]
        assert place.rows('SELECT * FROM "t"') == [(1, A, "x")]
        assert [targets[0]["rows"] for targets in place.published()] == [1]

    def test_a_correction_without_the_column_is_refused(self, place: Place) -> None:
        rows: Rows = [(1, A, "x")]
        place.publish(day(1), place.load("t", "append", rows, interval_column=False))
        rows.append((2, A, "late"))

        with pytest.raises(StepError, match=r"t has other rows of .* than the 2 that there are"):
            place.publish(day(1), place.load("t", "append", rows, interval_column=False))
        assert place.rows("SELECT id FROM t") == [(1,)]

    def test_an_emptied_table_is_loaded_again_without_the_column(self, place: Place) -> None:
        load = place.load("t", "append", [(1, A, "x")], interval_column=False)
        place.publish(day(1), load)
        place.do("DELETE FROM t")

        assert place.publish(day(1), load) == [1]


class TestScd2:
    """Versions of rows, in any order of the data intervals; the model tries long sequences."""

    @pytest.mark.parametrize(
        ("given", "versions"),
        [
            pytest.param("aba", [("a", 1, 2), ("b", 2, 3), ("a", 3, None)], id="split"),
            pytest.param("aaa", [("a", 1, None)], id="joined"),
            pytest.param("aab", [("a", 1, 3), ("b", 3, None)], id="longer"),
            pytest.param("abb", [("a", 1, 2), ("b", 2, None)], id="earlier"),
            pytest.param("a-a", [("a", 1, 2), ("a", 3, None)], id="gone between"),
            pytest.param("ab-", [("a", 1, 2), ("b", 2, 3)], id="gone at the end"),
        ],
    )
    def test_any_order_gives_the_same(
        self, place: Place, given: str, versions: list[tuple[str, int, int | None]]
    ) -> None:
        orders = permutations((1, 2, 3)) if place.kind == "duckdb" else [(1, 3, 2)]
        for number, order in enumerate(orders):
            for which in (*order, order[0]):
                note = given[which - 1]
                rows: Rows = [] if note == "-" else [(1, note)]
                columns = {"id": "integer", "note": "varchar(9)"}
                load = place.load(
                    f"t{number}", "scd2", rows, columns, unique_key=["id"], on_missing="close"
                )
                place.publish(day(which), load, pipeline=f"p{number}")
            found = place.rows(
                f"SELECT note, valid_from, valid_to, is_current FROM t{number} ORDER BY valid_from"
            )
            assert [(note, start, end) for note, start, end, _ in found] == [
                (note, day(first).start, day(last).start if last else None)
                for note, first, last in versions
            ], order
            assert [current for *_, current in found] == [end is None for _, _, end in versions]

    @pytest.mark.parametrize(
        ("how", "whole", "current"),
        [
            pytest.param({"on_missing": "keep"}, False, [1, 2], id="they stay, as asked"),
            pytest.param({"on_missing": "close"}, True, [1], id="they end, as asked"),
            pytest.param({}, True, [1, 2], id="they stay where changes alone are given"),
            pytest.param({}, False, [1], id="they end where all rows are given"),
        ],
    )
    def test_a_row_that_is_not_given(
        self, place: Place, how: dict[str, Any], whole: bool, current: list[int]
    ) -> None:
        def load(*rows: tuple[int, str]) -> Load:
            given: Rows = list(rows)
            columns = {"id": "integer", "note": "varchar(9)"}
            made = place.load("t", "scd2", given, columns, unique_key=["id"], **how)
            return replace(made, by_interval=whole)

        place.publish(day(1), load((1, "a"), (2, "b")))
        place.publish(day(3), load((1, "c")))
        place.publish(day(2), load((1, "a")))

        assert place.rows("SELECT id FROM t WHERE is_current ORDER BY 1") == [(n,) for n in current]
        versions = "SELECT COUNT(*) FROM t WHERE id = 1 AND note = 'a'"
        assert place.rows(versions) == [(1,)]


def test_the_interval_column_has_another_name(place: Place) -> None:
    load = place.load("t", "append", [(1, A, "x")], interval_column="from_day")
    place.publish(day(2), load)

    assert place.rows("SELECT id, CAST(from_day AS DATE) FROM t") == [(1, date(2024, 6, 2))]


def test_a_target_in_a_schema_of_its_own(place: Place) -> None:
    for number in (1, 2):
        place.publish(day(number), place.load("mart.t", "append", [(number, A, "x")]))

    assert place.rows('SELECT id FROM "mart"."t" ORDER BY 1') == [(1,), (2,)]
    assert not place.has("t")


def test_changes_that_come_late_last_until_the_next_one(place: Place) -> None:
    """Days that give nothing of a row have not seen it as it was; a rerun changes what it gave."""
    columns = {"id": "integer", "note": "varchar(9)"}

    def give(number: int, *rows: tuple[int, str]) -> None:
        load = place.load("h", "scd2", list(rows), columns, unique_key=["id"])
        place.publish(day(number), replace(load, by_interval=True))

    give(1, (2, "bob"))
    give(3)
    give(4, (3, "new"))
    give(2, (2, "bob2"), (5, "eve"))
    give(4, (3, "new"))
    history = "SELECT id, note, CAST(valid_from AS DATE), CAST(valid_to AS DATE), is_current FROM h"

    def versions() -> list[tuple[str, ...]]:
        return sorted(tuple(str(value)[-5:] for value in row) for row in place.rows(history))

    assert versions() == [
        ("2", "bob", "06-01", "06-02", "False"),
        ("2", "bob2", "06-02", "None", "True"),
        ("3", "new", "06-04", "None", "True"),
        ("5", "eve", "06-02", "None", "True"),
    ]
    give(2, (2, "bob"))
    give(3, (5, "eva"))
    assert versions() == [
        ("2", "bob", "06-01", "None", "True"),
        ("3", "new", "06-04", "None", "True"),
        ("5", "eva", "06-03", "None", "True"),
        ("5", "eve", "06-02", "06-03", "False"),
    ]
