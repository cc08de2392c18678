"""What the records of runs say, put together as the pages show it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from etl_framework.plan.plan import Plan
from etl_framework.project.models import Pipeline
from etl_framework.run.attempts import Attempt
from etl_framework.run.history import StepFacts
from etl_framework.run.status import Cell, Row, State

SIGNS: Mapping[State, str] = {
    "published": "✓", "warned": "!", "failed": "✗", "running": "…", "missing": "·", "late": "◷",
    "due": " ",
}  # fmt: skip

UNREAD = "could not be read"
# The result of a check, with its run.
Result = tuple[Attempt, Mapping[str, Any]]


@dataclass(frozen=True)
class Wall:
    """A pipeline with its data intervals, and its plan if its files have no errors."""

    pipeline: Pipeline
    row: Row
    plan: Plan | None

    @cached_property
    def steps(self) -> Mapping[str, Sequence[StepFacts]]:
        """All steps of all runs by the key of their data interval, the oldest first."""
        steps: dict[str, list[StepFacts]] = {}
        for attempt in self.row.runs:
            for record in attempt.records:
                steps.setdefault(record.key, []).extend(record.steps)
        return steps

    def last_steps(self, cell: Cell) -> dict[str, StepFacts]:
        """The last result of each step of a data interval; a run may have only some of them."""
        return {step.step: step for step in self.steps.get(cell.interval.key, ())}

    @cached_property
    def taken_out(self) -> TakenOut:
        """The rows that were taken out of each data interval, by what its last runs tell."""
        cells = [cell for cell in self.row.cells if cell.run]
        rules: dict[tuple[str, str], list[int]] = {}
        for place, cell in enumerate(cells):
            for source, rule, rows in _rejections(self.last_steps(cell)):
                rules.setdefault((source, rule), [0] * len(cells))[place] += rows
        return TakenOut(
            self.pipeline.name, self.pipeline.sources, cells, dict(sorted(rules.items()))
        )

    @cached_property
    def checks(self) -> Mapping[tuple[str, str], Sequence[Result]]:
        """The results of every check over all runs, by relation and check."""
        checks: dict[tuple[str, str], list[Result]] = {}
        for attempt in self.row.runs:
            for record in attempt.records:
                for step in record.steps:
                    for check in step.checks:
                        name = str(check["relation"]), str(check["check"])
                        checks.setdefault(name, []).append((attempt, check))
        return checks

    def checks_of(self, relation: str) -> dict[str, Sequence[Result]]:
        """The results of the checks of one relation, by check."""
        return {check: results for (of, check), results in self.checks.items() if of == relation}

    def counts(self) -> str:
        """How many data intervals are in each state: `28 published, 2 missing`."""
        states = [cell.state for cell in self.row.cells]
        found = {state: states.count(state) for state in SIGNS if state in states}
        return ", ".join(f"{count:,} {state}" for state, count in found.items()) or "never run"

    def interval(self, attempt: Attempt) -> str:
        """The data interval of a run, as people read it."""
        key = attempt.last.key
        return next((str(c.interval) for c in self.row.cells if c.interval.key == key), key)


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

    :param sources: the names of its sources.
    :param rules: for each source and rule the numbers, one for each of `cells`.
    """

    pipeline: str
    sources: Collection[str]
    cells: Sequence[Cell]
    rules: Mapping[tuple[str, str], Sequence[int]]


def _rejections(last: Mapping[str, StepFacts]) -> Iterator[tuple[str, str, int]]:
    for name, step in last.items():
        if rejected := step.counts.get("rejected", 0):
            source = name.removeprefix("extract.")
            for column, rows in step.unread.items():
                if column:
                    rejected -= rows
                    yield source, f"{UNREAD}: {column}", rows
            if rejected:
                yield source, UNREAD, rejected
        for check in step.checks:
            if check["status"] == "quarantine":
                yield str(check["relation"]), str(check["check"]), int(check["failing"])
