"""Thresholds: how many failing rows are too many."""

from __future__ import annotations

import pytest

from etl_framework.checks.threshold import Threshold


@pytest.mark.parametrize(
    ("written", "failing", "rows", "exceeded"),
    [
        pytest.param(">100", 100, 1000, False, id="as many as allowed"),
        pytest.param(">100", 101, 1000, True, id="one more than allowed"),
        pytest.param(100, 101, 1000, True, id="a plain number"),
        pytest.param("0", 0, 10, False, id="none allowed and none failing"),
        pytest.param("0", 1, 10, True, id="none allowed and one failing"),
        pytest.param(">1%", 10, 1000, False, id="as large a share as allowed"),
        pytest.param("1%", 11, 1000, True, id="a larger share"),
        pytest.param("> 0.1 %", 2, 1000, True, id="a fraction of a percent, with blanks"),
        pytest.param("50%", 0, 0, False, id="no rows at all"),
        pytest.param("100%", 10, 10, False, id="every row may fail"),
        pytest.param(">7%", 7, 100, False, id="a share that floats do not hold exactly"),
        pytest.param("0.7%", 7, 1000, False, id="a small share that floats do not hold exactly"),
        pytest.param("14%", 7, 50, False, id="fourteen percent of fifty"),
        pytest.param("1.1%", 11, 1000, False, id="eleven of a thousand"),
    ],
)
def test_exceeded(written: object, failing: int, rows: int, exceeded: bool) -> None:
    assert Threshold.parse(written).exceeded(failing, rows) is exceeded


def test_every_share_is_judged_as_arithmetic_does() -> None:
    for tenths in range(1, 1001):
        threshold = Threshold.parse(f"{tenths // 10}.{tenths % 10}%")
        assert not threshold.exceeded(tenths, 1000), tenths
        assert threshold.exceeded(tenths + 1, 1000), tenths


@pytest.mark.parametrize(
    "written", ["", "<5", "-1", "many", "1%%", ">", None, True, "1 in 5", "5e3"]
)
def test_what_is_no_threshold_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match='write for example ">100" or ">1%"'):
        Threshold.parse(written)
