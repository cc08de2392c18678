"""The server cuts the connection in the middle of publish: nothing changes, a retry is right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg2
import pytest

from etl_framework.errors import RetryableError
from etl_framework.targets.postgres import PostgresWarehouse
from tests.targets.places import Place, day, entry

A, B = datetime(2024, 6, 1, 8), datetime(2024, 6, 2, 8)


class CutWarehouse(PostgresWarehouse):
    """Loses its connection just before (or after) the n-th statement."""

    count, when, number, url = 0, "", 0, ""

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        type(self).count += 1
        if (self.when, self.count) == ("before", self.number):
            self._cut()
        changed = super().execute(sql, values)
        if (self.when, self.count) == ("after", self.number):
            self._cut()
        return changed

    def _cut(self) -> None:
        pid = self._connection.info.backend_pid
        other = psycopg2.connect(self.url)
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            assert cursor.fetchone() == (True,)
        other.close()


@pytest.fixture
def place(postgres: str, tmp_path: Any) -> Place:
    return Place("postgres", postgres, tmp_path)


def _publish(place: Place, when: str, number: int) -> int:
    """Statements that were begun."""
    cut = type("Cut", (CutWarehouse,), {"when": when, "number": number, "url": place.where})
    warehouse = cut(psycopg2.connect(place.where))
    try:
        loads = [place.load(t, "append", [(2, B, "new")]) for t in ("one", "two")]
        warehouse.publish(loads, entry(day(2)))
    finally:
        warehouse.close()
    return cut.count


ROWS = "SELECT 'one', id FROM one UNION ALL SELECT 'two', id FROM two ORDER BY 1, 2"
OLD = [("one", 1), ("two", 1)]
NEW = [("one", 1), ("one", 2), ("two", 1), ("two", 2)]


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_the_connection_is_cut_at_each_statement(place: Place, when: str) -> None:
    place.publish(day(1), *(place.load(t, "append", [(1, A, "old")]) for t in ("one", "two")))
    statements = _publish(place, "never", 0)
    place.do("DELETE FROM one WHERE id = 2", "DELETE FROM two WHERE id = 2")
    place.do("DELETE FROM etl_ledger WHERE interval_start >= '2024-06-02'")

    last = statements if when == "before" else statements - 1
    raised = {}
    for number in range(1, last + 1):
        try:
            _publish(place, when, number)
        except Exception as error:  # noqa: BLE001 - the kind is what is tested
            raised[number] = type(error)
        assert place.rows(ROWS) == OLD, f"{when} statement {number}"
    assert raised == dict.fromkeys(range(1, last + 1), RetryableError)

    _publish(place, "never", 0)
    assert place.rows(ROWS) == NEW
    assert place.rows("SELECT count(*) FROM etl_ledger") == [(2,)]


def test_cut_after_the_commit_the_retry_adds_nothing(place: Place) -> None:
    statements = _publish(place, "never", 0)
    place.do("DROP TABLE one", "DROP TABLE two", "DROP TABLE etl_ledger")

    _publish(place, "after", statements)
    _publish(place, "never", 0)

    assert place.rows(ROWS) == [("one", 2), ("two", 2)]
    assert place.rows("SELECT count(*) FROM etl_ledger") == [(1,)]
