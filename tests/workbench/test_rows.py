"""Rows without an order: what is missing, what is too much, what differs."""

from __future__ import annotations

import pytest

from etl_framework.workbench.rows import Difference, Row, differences


@pytest.mark.parametrize(
    ("expected", "found", "different"),
    [
        pytest.param([(1, "a"), (2, "b")], [(2, "b"), (1, "a")], [], id="order does not matter"),
        pytest.param([(1,), (1,)], [(1,)], [((1,), None)], id="rows are counted"),
        pytest.param([(1,)], [(1,), (1,)], [(None, (1,))], id="also those too many"),
        pytest.param([(1, "a")], [(1, "b")], [((1, "a"), (1, "b"))], id="alike rows are paired"),
        pytest.param(
            [(1, "a", 5)], [(1, "b", 6), (1, "a", 6)],
            [((1, "a", 5), (1, "a", 6)), (None, (1, "b", 6))], id="the most alike first",
        ),
        pytest.param([(1, "a")], [(2, "b")], [((1, "a"), None), (None, (2, "b"))],
                     id="rows with nothing in common are not paired"),
        pytest.param([(None,)], [(None,)], [], id="NULL is NULL"),
        pytest.param([(None,)], [(0,)], [((None,), None), (None, (0,))], id="NULL is not 0"),
        pytest.param([(0.3,)], [(0.1 + 0.2,)], [], id="floats need not to the last digit"),
        pytest.param([(0.3,)], [(0.300001,)], [((0.3,), None), (None, (0.300001,))],
                     id="but to the ninth"),
        pytest.param([(float("nan"),)], [(float("nan"),)], [], id="NaN is NaN"),
        pytest.param([], [], [], id="nothing is nothing"),
    ],
)  # fmt: skip
def test_differences(
    expected: list[Row], found: list[Row], different: list[tuple[Row | None, Row | None]]
) -> None:
    assert differences(expected, found) == [Difference(*pair) for pair in different]
