"""Checks that pass and fail by turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from etl_framework.report.facts import Result, Wall

# How often a check has turned until it counts.
TURNS = 3


@dataclass(frozen=True)
class Flaky:
    """A check that has turned from passing to not passing, or back, `turns` times.

    :param results: those of all runs, the oldest first.
    """

    relation: str
    check: str
    turns: int
    results: Sequence[Result]


def flaky(walls: Iterable[Wall]) -> list[Flaky]:
    """The checks that turn often, those that do most first."""
    checks = [
        Flaky(f"{wall.pipeline.name}.{relation}", check, _turns(results), results)
        for wall in walls
        for (relation, check), results in wall.checks.items()
    ]
    often = (check for check in checks if check.turns >= TURNS)
    return sorted(often, key=lambda check: (-check.turns, check.relation, check.check))


def _turns(results: Sequence[Result]) -> int:
    passed = [check["status"] == "pass" for _, check in results]
    return sum(one != other for one, other in pairwise(passed))
