"""What the records of runs say, put together as the pages show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl_framework.plan.plan import Plan
from etl_framework.project.models import Pipeline
from etl_framework.run.attempts import Attempt
from etl_framework.run.status import Row, State

SIGNS: Mapping[State, str] = {
    "published": "✓", "warned": "!", "failed": "✗", "running": "…", "missing": "·", "late": "◷",
    "due": " ",
}  # fmt: skip


@dataclass(frozen=True)
class Wall:
    """A pipeline with its data intervals, and its plan if its files have no errors."""

    pipeline: Pipeline
    row: Row
    plan: Plan | None

    def counts(self) -> str:
        """How many data intervals are in each state: `28 published, 2 missing`."""
        states = [cell.state for cell in self.row.cells]
        found = {state: states.count(state) for state in SIGNS if state in states}
        return ", ".join(f"{count:,} {state}" for state, count in found.items()) or "never run"


@dataclass(frozen=True)
class Funnel:
    """What became of the rows of a source: what was read is what was kept and taken out."""

    source: str
    read: int
    rejected: int
    quarantined: int

    @property
    def kept(self) -> int:
        """How many rows went on."""
        return self.read - self.rejected - self.quarantined


def parts(attempt: Attempt) -> dict[str, Any]:
    """Steps on a time axis, funnels and checks of a run."""
    last = {step.step: step for record in attempt.records for step in record.steps}
    steps = list(last.values())
    begun = min((step.started for step in steps if step.started), default="")
    axis = []
    longest = 0.001
    for step in steps:
        start = _seconds(begun, step.started) if step.started else 0.0
        longest = max(longest, start + step.seconds)
        axis.append((step, start))
    funnels = []
    for step in steps:
        if step.step.startswith("extract.") and "read" in step.counts:
            source = step.step.removeprefix("extract.")
            check = last.get(f"check.{source}")
            taken = check.counts.get("quarantined", 0) if check else 0
            funnels.append(Funnel(source, step.counts["read"], step.counts["rejected"], taken))
    order = {"fail": 0, "warning": 1, "quarantine": 2, "pass": 3}
    checks = [check for step in steps for check in step.checks]
    checks.sort(key=lambda check: order.get(str(check["status"]), 0))
    return {"axis": axis, "longest": longest, "funnels": funnels, "checks": checks}


def _seconds(one: str, other: str) -> float:
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()


@dataclass(frozen=True)
class TakenOut:
    """How many rows of a pipeline were taken out, by rule and data interval.

    :param rules: for each source and rule the numbers, one for each of `intervals`.
    """

    pipeline: str
    intervals: Sequence[tuple[str, Attempt]]
    rules: Mapping[tuple[str, str], Sequence[int]]


def taken_out(wall: Wall) -> TakenOut:
    """The rows that the last run of each data interval has put into quarantine."""
    runs = [(cell.label, cell.run) for cell in wall.row.cells if cell.run]
    found: dict[tuple[str, str], list[int]] = {}
    for place, (_, run) in enumerate(runs):
        for source, rule, rows in _rejections(run):
            found.setdefault((source, rule), [0] * len(runs))[place] += rows
    return TakenOut(wall.pipeline.name, runs, dict(sorted(found.items())))


def _rejections(run: Attempt) -> Iterator[tuple[str, str, int]]:
    last = {step.step: step for record in run.records for step in record.steps}
    for name, step in last.items():
        if rejected := step.counts.get("rejected", 0):
            yield name.removeprefix("extract."), "could not be read", rejected
        for check in step.checks:
            if check["status"] == "quarantine":
                yield str(check["relation"]), str(check["check"]), int(check["failing"])


def strips(wall: Wall) -> tuple[str, dict[str, list[tuple[Attempt, Mapping[str, Any]]]]]:
    """The results of every check of a pipeline over its runs, by relation and check."""
    found: dict[str, list[tuple[Attempt, Mapping[str, Any]]]] = {}
    for attempt in wall.row.runs:
        for record in attempt.records:
            for step in record.steps:
                for check in step.checks:
                    found.setdefault(f"{check['relation']}: {check['check']}", []).append(
                        (attempt, check)
                    )
    return wall.pipeline.name, found


def strip(wall: Wall, relation: str) -> dict[str, list[tuple[Attempt, Mapping[str, Any]]]]:
    checks = strips(wall)[1]
    return {
        name.removeprefix(f"{relation}: "): results
        for name, results in checks.items()
        if name.startswith(f"{relation}: ")
    }
