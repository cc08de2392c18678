"""A table that is there already with other columns is left alone."""

from __future__ import annotations

from datetime import datetime

import pytest

from etl_framework.errors import StepError
from tests.targets.places import Place, day

A = datetime(2024, 6, 1)


@pytest.mark.parametrize(
    "definitions",
    [
        pytest.param("id integer, day timestamp, note varchar(20), more integer", id="one more"),
        pytest.param("id bigint, day timestamp, note varchar(20)", id="another type"),
        pytest.param("id integer, day timestamp, remark varchar(20)", id="another name"),
    ],
)
def test_other_columns_are_an_error_with_a_way_out(place: Place, definitions: str) -> None:
    place.do(f'CREATE TABLE "t" ({definitions})', 'INSERT INTO "t" (id) VALUES (7)')

    with pytest.raises(StepError) as caught:
        place.publish(day(1), place.load("t", "replace", [(1, A, "x")]))

    (found,) = caught.value.diagnostics
    assert "the table t has other columns than the KPI" in found.message
    assert 'DROP TABLE "t"' in found.hint
    assert place.rows('SELECT id FROM "t"') == [(7,)]
    assert not place.has("etl_ledger")


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
