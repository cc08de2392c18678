"""How many statements publishing takes: so many for each target, and never more for more rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from etl_framework.checks.row_count import RowCount
from etl_framework.targets.base import Warehouse
from etl_framework.targets.checks import TargetCheck
from etl_framework.targets.load import Load
from tests.targets.places import Place, day, entry

AT = datetime(2024, 6, 1, 8)
HOW: dict[str, dict[str, Any]] = {
    "append": {},
    "snapshot": {},
    "delete+insert": {"incremental_key": "day"},
    "merge": {"unique_key": ["id"]},
    "replace": {},
    "scd2": {"unique_key": ["id"]},
    "changes": {"unique_key": ["id"], "updated_at": "day"},
    "endings": {"unique_key": ["id"], "updated_at": "day", "on_missing": "close"},
}


def loads(place: Place, how: str, targets: int, rows: int, checks: int = 0) -> list[Load]:
    given, made = [(number, AT, "x") for number in range(rows)], []
    strategy = how if "+" in how or how not in ("changes", "endings") else "scd2"
    for number in range(targets):
        table = f"{how.replace('+', '_')}_{number}"
        load = place.load(table, strategy, list(given), **HOW[how])
        check = TargetCheck(
            RowCount(type="row_count", min=0), table, table, load.columns, ("", 0, 0)
        )
        made.append(replace(load, by_interval=how != "endings", checks=(check,) * checks))
    return made


def count(place: Place, given: list[Load]) -> tuple[int, int]:
    """How many statements publishing takes again, and how many of them are its transaction."""
    place.publish(day(1), *given)
    seen: list[str] = []
    with place.open() as warehouse:
        _watched(warehouse, seen)
        warehouse.publish(given, entry(day(1)))
    return len(seen), len(seen) - seen.index("BEGIN")


def _watched(warehouse: Warehouse, seen: list[str]) -> None:
    session = getattr(warehouse, "_session", None)
    for holder, name in [(session, "run")] if session else [
        (warehouse, "execute"), (warehouse, "query"),
    ]:  # fmt: skip
        run = getattr(holder, name)

        def taken(sql: str, values: Any = (), run: Any = run) -> Any:
            seen.append(sql)
            return run(sql, values)

        setattr(holder, name, taken)


@pytest.mark.parametrize("how", HOW)
def test_so_many_for_each_target(place: Place, how: str) -> None:
    _, one = count(place, loads(place, how, 1, 1))
    _, three = count(place, loads(place, how, 3, 1))
    _, more_rows = count(place, loads(place, how, 3, 200))

    assert three == more_rows
    assert one <= 6 + 6 and three <= 6 * 3 + 6
    assert (three - one) % 2 == 0 and (three - one) // 2 <= 4
    _, checked = count(place, loads(place, how, 3, 1, checks=2))
    assert checked == three + 6


def test_all_of_them(place: Place) -> None:
    """With looking at the tables and bringing the rows, for a table that is added to."""
    totals = [count(place, loads(place, "append", targets, 1))[0] for targets in (1, 4)]

    assert (totals[1] - totals[0]) // 3 <= (5 if place.kind != "redshift" else 7)
