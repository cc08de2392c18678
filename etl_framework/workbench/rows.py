"""Compare rows that have no order: what is missing, what is too much, what differs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]
# Sums of floats differ in their last digits with the order that they are added in.
PRECISION = 1e-9


@dataclass(frozen=True)
class Difference:
    """A row that is expected and one that is found in its place; None where there is none."""

    expected: Row | None
    found: Row | None


def differences(expected: Sequence[Row], found: Sequence[Row]) -> list[Difference]:
    """What two bags of rows do not share; rows that are most alike are paired."""
    left = list(found)
    missing = []
    for row in expected:
        same = next((i for i, other in enumerate(left) if _alike(row, other) == len(row)), None)
        if same is None:
            missing.append(row)
        else:
            del left[same]
    pairs = []
    for row in missing:
        best = max(range(len(left)), key=lambda i: _alike(row, left[i]), default=None)
        if best is not None and _alike(row, left[best]):
            pairs.append(Difference(row, left.pop(best)))
        else:
            pairs.append(Difference(row, None))
    return pairs + [Difference(None, row) for row in left]


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; NULL equals NULL, and floats need not to the last digit."""
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=PRECISION, abs_tol=1e-12)
    return bool(one == other)


def _alike(one: Row, other: Row) -> int:
    return sum(same(a, b) for a, b in zip(one, other, strict=True))
