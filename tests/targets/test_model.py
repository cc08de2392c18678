"""Sequences of runs, reruns, corrections and harm, against a plain model of every strategy."""

from __future__ import annotations

import pytest

from etl_framework.targets.strategies import STRATEGIES
from tests.targets.model import HOW, check


@pytest.mark.slow
def test_tables_hold_what_the_model_says() -> None:
    check(10)


def test_no_strategy_is_left_out() -> None:
    assert set(HOW) == set(STRATEGIES) - {"truncate+insert"}
