"""Conditions of checks judge the same rows on both engines, as Redshift would."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checks.conftest import Checked, only

ROWS = """1,7,a_b,2024-01-31 10:20:30
2,15,axb,2024-02-29 00:00:00
3,,A_B,2024-03-01 23:59:59
"""
DECIMAL = {"v": {"type": "decimal(10,2)"}}


@pytest.mark.parametrize(
    ("condition", "failing"),
    [
        pytest.param("k / 2 = 1", 1, id="integers divide to an integer"),
        pytest.param("ROUND(v / 1000, 2) = 0.01", 1, id="decimals are divided exactly"),
        pytest.param(r"w LIKE 'a\\_b'", 2, id="a backslash escapes in LIKE"),
        pytest.param("w ILIKE 'a_b'", 0, id="ILIKE"),
        pytest.param("DATEADD(month, 1, TRUNC(m)) < '2024-03-30'", 1, id="moments and texts"),
        pytest.param("p.k > 0", None, id="a table that is not there"),
    ],
)
def test_an_expression(checked: Checked, condition: str, failing: int | None) -> None:
    check: dict[str, Any] = {"type": "expression", "expression": condition, "severity": "warning"}
    if failing is None:
        with pytest.raises(Exception, match="unknown table 'p'"):
            checked([check], ROWS, DECIMAL)
        return

    assert only(checked([check], ROWS, DECIMAL)).failing == failing


@pytest.mark.parametrize(
    ("check", "failing", "note"),
    [
        pytest.param({"type": "row_count", "min": 9}, 1, "2 rows", id="a measure"),
        pytest.param({"type": "unique", "columns": ["w"]}, 1, "", id="a table"),
        pytest.param({"type": "not_null", "columns": ["v"]}, 1, "", id="a row"),
    ],
)
def test_where(checked: Checked, check: dict[str, Any], failing: int, note: str) -> None:
    where = {"where": "t.k / 2 = 1", "severity": "warning"}

    result = only(checked([{**check, **where}], ROWS.replace("axb", "A_B"), DECIMAL))

    assert result.failing == failing or note
    assert result.note.startswith(note)
