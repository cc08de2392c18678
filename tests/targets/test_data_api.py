"""Publishing through the Data API, which sends a transaction as a whole."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.errors import RetryableError, StepError
from etl_framework.targets.apply import Apply
from etl_framework.targets.look import Wish, guards
from tests.connections.redshift.test_connection import WAYS
from tests.targets.places import Place, day, entry
from tests.targets.test_apply import apply_to, table

pytestmark = pytest.mark.slow
A, B = datetime(2024, 6, 1, 8), datetime(2024, 6, 2)


@pytest.fixture
def api(stack: object, tmp_path: Path) -> Place:
    return Place("redshift", "", tmp_path, Redshift(**WAYS["the Data API"]))


def test_numbers_are_those_of_the_statements(api: Place) -> None:
    keys = {"unique_key": ["id"]}
    merged = api.load("m", "merge", [(1, A, "old"), (2, A, "old")], **keys)
    added = api.load("a", "append", [(1, A, "x")])
    assert api.publish(day(1), merged, added) == [2, 1]
    newer = api.load("m", "merge", [(1, B, "new")], **keys)
    assert api.publish(day(2), newer, api.load("a", "append", [])) == [1, 0]

    assert api.publish(day(1), merged, added) == [1, 1]
    assert sorted(api.rows("SELECT id, note FROM m")) == [(1, "new"), (2, "old")]
    assert [[t["rows"] for t in targets] for targets in api.published()] == [[1, 1], [1, 0]]


def test_history(api: Place) -> None:
    columns = {"id": "integer", "note": "varchar(9)"}
    for number, note in ((1, "a"), (3, "b"), (2, "a")):
        rows = [(1, note)]
        api.publish(day(number), api.load("h", "scd2", rows, columns, unique_key=["id"]))

    history = "SELECT note, CAST(valid_from AS DATE), is_current FROM h ORDER BY valid_from"
    assert [tuple(map(str, row)) for row in api.rows(history)] == [
        ("a", "2024-06-01", "False"),
        ("b", "2024-06-03", "True"),
    ]


def test_a_guard_stops_the_transaction_and_says_why(api: Place) -> None:
    api.publish(day(1), api.load("m", "merge", [(1, A, "x")], unique_key=["id"]))
    twice = api.load("m", "merge", [(2, B, "x"), (2, B, "y")], unique_key=["id"])

    with pytest.raises(StepError, match="rows for m have no unique_key of their own: 1"):
        api.publish(day(2), twice)
    assert api.rows("SELECT id FROM m") == [(1,)]
    assert len(api.published()) == 1


def test_a_wait_for_another_run_ends(api: Place) -> None:
    api.publish(day(1), api.load("t", "append", [(1, A, "x")]))
    other = Place("redshift", "", api.folder)
    with other.open() as running, api.open() as waiting:
        running.execute("BEGIN")
        for sql in running.lock(["etl_lock_t"]):
            running.execute(sql)
        waiting.lock_seconds = 1
        with pytest.raises(RetryableError, match="holds 'etl_lock_t'"):
            waiting.publish([api.load("t", "append", [(2, B, "x")])], entry(day(2)))

    assert api.rows("SELECT id FROM t") == [(1,)]


def test_a_copy_takes_the_place_of_a_table(api: Place) -> None:
    narrow, wide = ({"id": "integer", "v": type_} for type_ in ("integer", "bigint"))
    api.publish(day(1), api.load("t", "append", [(1, 7)], narrow))
    api.do("CREATE VIEW seen AS SELECT v FROM t")

    api.publish(day(2), api.load("t", "append", [(2, 1 << 40)], wide))

    assert sorted(api.rows("SELECT v FROM seen")) == [(7,), (1 << 40,)]
    api.do("DROP VIEW seen")


def test_a_narrower_type_in_a_batch(api: Place) -> None:
    """Values that do not fit are told before it is sent, and refused also if they come later."""
    api.do("CREATE TABLE t (v bigint, w varchar(9))", "INSERT INTO t VALUES (1, '7')")
    wish = Wish(table({"v": "integer", "w": "integer"}))
    with api.open() as warehouse:
        (look,) = Apply(warehouse, [wish]).looks()
        (guard,) = guards(look)
        warehouse.query(guard)

        apply_to(warehouse, wish)

        assert api.rows("SELECT v, w FROM t") == [(1, 7)]
        api.do("DROP TABLE t", "CREATE TABLE t (v bigint, w varchar(9))")
        api.do("INSERT INTO t VALUES (3000000000, 'x')")
        with pytest.raises(StepError, match="division by zero"):
            warehouse.query(guard)
        with pytest.raises(StepError, match="1 row has a value that integer does not hold"):
            apply_to(warehouse, wish)
