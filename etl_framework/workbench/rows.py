"""Compare rows in any order: which are missing, which are too many, which differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[Any, ...]
# The last digits of a sum of floats depend on the order in which they are added.
PRECISION = 1e-9


@dataclass(frozen=True)
class Difference:
    """An expected row and the actual row in its place; None if one of them is missing."""

    expected: Row | None
    actual: Row | None


def differences(expected: Sequence[Row], actual: Sequence[Row]) -> list[Difference]:
    """Return the rows that only one of two lists has, in pairs of rows that are most alike."""
    left = list(actual)
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
    """Return whether two values are equal; NULL equals NULL, and floats may differ slightly."""
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=PRECISION, abs_tol=1e-12)
    return bool(one == other)


def _alike(one: Row, other: Row) -> int:
    """Return how many values of two rows are equal."""
    return sum(same(a, b) for a, b in zip(one, other, strict=True))
