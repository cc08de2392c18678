"""A table that is there already with other columns is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from etl_framework.errors import StepError
from etl_framework.targets.columns import TargetColumn
from etl_framework.targets.earlier import Earlier
from etl_framework.targets.load import Load
from tests.targets.places import Place, day

A = datetime(2024, 6, 1)


@pytest.mark.parametrize(
    ("definitions", "way"),
    [
        pytest.param(
            "id integer, day timestamp, note varchar(20), more integer NOT NULL DEFAULT 1, "
            "must integer NOT NULL",
            "`etl apply p --env local` lets must be empty in new rows",
            id="one more that must have a value",
        ),
        pytest.param(
            "id bigint, day timestamp, note varchar(20)",
            "`etl apply p --env local` converts the values, if the KPI's types hold every one",
            id="a wider type",
        ),
        pytest.param(
            "id date, day timestamp, note varchar(20)",
            "no value is sure to mean the same (id: date becomes integer)",
            id="another type",
        ),
    ],
)
def test_other_columns_are_an_error_with_a_way_out(
    place: Place, definitions: str, way: str
) -> None:
    place.do(f'CREATE TABLE "t" ({definitions})')

    with pytest.raises(StepError) as caught:
        place.publish(day(1), place.load("t", "replace", [(1, A, "x")]))

    (found,) = caught.value.diagnostics
    assert "the table t has other columns than the KPI" in found.message
    assert found.hint.startswith(way)
    assert "or declare these columns" in found.hint and "DROP" not in found.hint.upper()
    assert place.rows('SELECT id FROM "t"') == []
    assert not place.has("etl_ledger")


WIDER = {
    "smallint": ("integer", 7),
    "integer": ("bigint", 7),
    "decimal(6,2)": ("decimal(12,4)", Decimal("7.25")),
    "varchar(3)": ("varchar(9)", "abc"),
    "real": ("double precision", 0.5),
}


@pytest.mark.parametrize("type_", WIDER)
def test_a_type_becomes_wider_and_keeps_its_values(place: Place, type_: str) -> None:
    wider, value = WIDER[type_]
    narrow = place.load("t", "append", [(1, value)], {"id": "integer", "v": type_})
    place.publish(day(1), narrow)
    wide = place.load("t", "append", [(2, value)], {"id": "integer", "v": wider})

    place.publish(day(2), wide)

    assert place.rows('SELECT id, v FROM "t" ORDER BY id') == [(1, value), (2, value)]
    if type_.startswith("varchar"):
        longer = [(3, "abcdefghi")]
        place.publish(day(3), place.load("t", "append", longer, {"id": "integer", "v": wider}))
    if (place.kind, type_) != ("duckdb", "varchar(3)"):  # DuckDB has no lengths
        with pytest.raises(StepError, match="the table t has other columns"):
            place.publish(day(1), narrow)


def renamed(load: Load, **was: str) -> Load:
    """The same rows for columns that had other names."""
    columns = (
        TargetColumn(name=column.name, type=column.type, was=was.get(column.name))
        for column in load.columns
    )
    return replace(load, columns=tuple(columns))


def test_a_column_is_renamed_and_keeps_its_values(place: Place) -> None:
    """Also to and from names that SQL has for itself."""
    place.publish(
        day(1), place.load("t", "append", [(1, "abc")], {"id": "integer", "order": "varchar(3)"})
    )
    columns = {"id": "integer", "group": "varchar(9)"}  # and becomes wider
    for number in (2, 3, 2):
        load = renamed(place.load("t", "append", [(number, "more")], columns), group="order")
        place.publish(day(number), load)

    expected = [(1, "abc"), (2, "more"), (3, "more")]
    assert place.rows('SELECT id, "group" FROM "t" ORDER BY 1') == expected
    with place.open() as warehouse:
        assert [*warehouse.table_columns("t")] == ["id", "group", "etl_interval_start"]


def test_earlier_rows_are_read_before_a_column_is_renamed(place: Place) -> None:
    place.publish(
        day(1), place.load("t", "append", [(1, "abc")], {"id": "integer", "v": "varchar(3)"})
    )
    load = place.load("t", "append", [], {"id": "integer", "note": "varchar(3)"})
    earlier = Earlier("p", renamed(load, note="v"), day(2), day(1))

    with place.open() as warehouse:
        query = earlier.query(warehouse)
        assert query
        assert warehouse.query(*query)[1] == [(1, "abc")]


def test_a_column_of_somebody_else_may_be_empty(place: Place) -> None:
    place.do('CREATE TABLE "t" (id integer, day timestamp, note varchar(20), remark varchar(9))')
    for number in (1, 2):
        place.publish(day(number), place.load("t", "append", [(number, A, "x")]))

    assert place.rows('SELECT id, remark FROM "t" ORDER BY 1') == [(1, None), (2, None)]


def test_a_column_that_fills_itself_is_left_to_do_so(place: Place) -> None:
    columns = "id integer, day timestamp, note varchar(20), "
    place.do(f'CREATE TABLE "t" ({columns}loaded_at timestamp NOT NULL DEFAULT current_timestamp)')

    for number, strategy in enumerate(("replace", "append"), start=1):
        place.publish(day(number), place.load("t", strategy, [(1, A, "x")]))

    rows = place.rows('SELECT id, note, loaded_at IS NOT NULL FROM "t"')
    assert set(rows) == {(1, "x", True)}


def test_a_column_that_is_missing_is_added_and_empty(place: Place) -> None:
    place.do(
        'CREATE TABLE "t" (note varchar(20), id integer)',
        """INSERT INTO "t" VALUES ('old', 7)""",
    )
    place.publish(day(1), place.load("t", "append", [(1, A, "x")]))

    rows = place.rows('SELECT note, id, day FROM "t" ORDER BY id')
    assert rows == [("x", 1, A), ("old", 7, None)]


def test_a_table_is_not_made_where_the_target_forbids_it(place: Place) -> None:
    with pytest.raises(StepError) as caught:
        place.publish(day(1), place.load("t", "replace", [(1, A, "x")], create=False))

    (found,) = caught.value.diagnostics
    assert found.message == "there is no table t, and its target has `create: false`"
    assert found.hint.startswith('CREATE TABLE IF NOT EXISTS "t" (')
    assert not place.has("etl_ledger")


def test_all_that_is_wrong_is_told_at_once(place: Place) -> None:
    place.do('CREATE TABLE "t" (id date)', 'CREATE TABLE "u" (id date)')
    loads = [place.load(table, "replace", [(1, A, "x")]) for table in ("t", "u")]

    with pytest.raises(StepError) as caught:
        place.publish(day(1), *loads)

    assert len(caught.value.diagnostics) == 2


@pytest.mark.parametrize("type_", ["char(3)", "varchar", "decimal(10,2)", "timestamptz", "real"])
def test_a_table_that_we_made_has_the_right_columns(place: Place, type_: str) -> None:
    load = place.load("t", "replace", [(None,)], {"value": type_})
    for number in (1, 2):
        place.publish(day(number), load)

    assert place.rows('SELECT count(*) FROM "t"') == [(1,)]


def test_a_table_made_by_hand_as_the_kpi_says_is_used(place: Place) -> None:
    place.do('CREATE TABLE "t" (id integer, day timestamp, note varchar(20))')
    place.publish(day(1), place.load("t", "append", [(1, A, "x")]))

    assert place.rows('SELECT id FROM "t"') == [(1,)]
