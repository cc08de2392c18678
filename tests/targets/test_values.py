"""Values arrive in the target exactly as the KPI has them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.targets.places import Place, day

pytestmark = pytest.mark.slow
MOMENT = datetime(2024, 10, 27, 0, 30, 0, 123456, tzinfo=UTC)
SPLIT = [
    pytest.param("decimal(38,10)", [Decimal("1234567890123456789012345678.0123456789"),
                 Decimal("-0.0000000001"), Decimal("0"), None], id="wide decimals"),
    pytest.param("decimal(10,2)", [Decimal("0.10"), Decimal("-99999999.99")], id="money"),
    pytest.param("bigint", [2**63 - 1, -(2**63), 2**53 + 1, None], id="integers of 64 bits"),
    pytest.param("smallint", [32767, -32768], id="small integers"),
    pytest.param("double precision", [0.1, 1e-300, 1.7976931348623157e308, -0.5, None],
                 id="floating point numbers"),
    pytest.param("real", [0.5, -1.25], id="floating point numbers of 32 bits"),
    pytest.param("varchar(100)", ["", None, " ", "NULL", "\\N", "\\.", 'a "quoted", text',
                 "line\nbreak\r\nand\ttab", "東京の雨 Zoë 🎧", "%s ? ; --", "\\"], id="texts"),
    pytest.param("varchar", ["a" * 5000], id="a text without a limit"),
    pytest.param("boolean", [True, False, None], id="booleans"),
    pytest.param("date", [date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31), None], id="dates"),
    pytest.param("timestamp", [datetime(1969, 12, 31, 23, 59, 59, 999999),
                 datetime(2024, 3, 31, 2, 30), datetime(9999, 12, 31), None], id="timestamps"),
    pytest.param("timestamptz", [MOMENT, datetime(1969, 12, 31, 23, tzinfo=UTC), None],
                 id="moments"),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "values"), SPLIT)
def test_values_arrive_exactly(place: Place, type_: str, values: list[Any]) -> None:
    columns = {"n": "integer", "value": type_}
    place.publish(day(1), place.load("t", "replace", list(enumerate(values)), columns))

    found = [value for (value,) in place.rows('SELECT "value" FROM "t" ORDER BY n')]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in values]


def test_a_column_may_have_the_name_of_a_keyword(place: Place) -> None:
    columns = {"order": "integer", "select": "varchar(3)", "Case": "integer"}
    load = place.load("group", "merge", [(1, "a", 2)], columns, unique_key=["order", "Case"])

    place.publish(day(1), load)
    place.publish(day(2), load)

    assert place.rows('SELECT "order", "select", "Case" FROM "group"') == [(1, "a", 2)]


def test_many_rows_arrive(place: Place) -> None:
    """More than one batch of the stream."""
    rows = [(n, f"row {n}") for n in range(120_001)]
    place.publish(day(1), place.load("t", "replace", rows, {"n": "integer", "s": "varchar(20)"}))

    assert place.rows("SELECT count(*), count(DISTINCT s), sum(n) FROM t") == [
        (120_001, 120_001, 120_001 * 60_000)
    ]
