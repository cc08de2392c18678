"""Results show some of the rows that failed, and no sensitive value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_framework.errors import CheckFailedError
from tests.checks.conftest import Checked, only
from tests.conftest import Folder

RANGE = {"type": "accepted_range", "column": "v", "max": 0, "severity": "warning"}
KEYS = {"type": "unique", "columns": ["v", "w"], "severity": "warning"}


def test_rows_that_fail_are_shown_as_they_are(checked: Checked) -> None:
    result = only(checked([RANGE], "1,0,x,\n2,5,y,2024-06-25\n"))

    assert list(result.examples) == [{"k": 2, "v": 5, "w": "y", "m": "2024-06-25 00:00:00"}]
    assert result.rate == 0.5


def test_ten_of_them_at_most(checked: Checked) -> None:
    assert len(only(checked([RANGE], "1,5,x,\n" * 30)).examples) == 10
    assert len(only(checked([KEYS], "".join(f"1,{i},x,\n" * 2 for i in range(30)))).examples) == 10


def test_nothing_is_shown_of_what_passes(checked: Checked) -> None:
    assert not only(checked([RANGE], "1,0,x,\n")).examples
    assert not only(checked([KEYS], "1,0,x,\n")).examples


def test_keys_that_repeat_most_are_shown_first(checked: Checked) -> None:
    result = only(checked([KEYS], "1,1,x,\n" * 2 + "1,2,y,\n" * 5 + "1,3,z,\n"))

    assert list(result.examples) == [
        {"v": 2, "w": "y", "failing": 4},
        {"v": 1, "w": "x", "failing": 1},
    ]


@pytest.mark.parametrize("check", [RANGE, KEYS, {**RANGE, "on_fail": "quarantine"}])
def test_sensitive_values_are_masked(checked: Checked, check: dict[str, Any]) -> None:
    sensitive = {"w": {"sensitive": True}}

    result = only(checked([check], "1,5,geheim,\n2,5,geheim,\n3,5,,\n", sensitive))

    shown = json.dumps(result.examples)
    assert "***" in shown and "geheim" not in shown and '"v": 5' in shown


def test_the_error_shows_one_of_them(checked: Checked) -> None:
    with pytest.raises(CheckFailedError, match=r'for example \{"k": 7, "v": 5, "w": "it'):
        checked([{**RANGE, "severity": "error"}], "7,5,it's,\n")


def test_the_ledger_keeps_rates_and_no_rows(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    check = "{type: accepted_range, column: amount, max: 0, severity: warning}"
    file.write_text(
        file.read_text().replace("    columns:", f"    checks: [{check}]\n    columns:", 1)
    )

    orders.run("orders")

    ((checks,),) = orders.query("SELECT checks FROM etl_ledger")
    found = next(c for c in json.loads(checks) if c["check"] == "accepted_range amount")
    assert found["failing"] and found["rate"] == round(found["failing"] / found["rows"], 6)
    assert "examples" not in found
