"""Runs as their records tell them: one record of the command line, one for each task of Airflow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from etl_framework.run.history import RunRecord
from etl_framework.targets.published import moment


@dataclass(frozen=True)
class Attempt:
    """All records of one run: one of the command line, several of Airflow's tasks.

    :param records: the oldest first.
    """

    records: Sequence[RunRecord]

    @property
    def last(self) -> RunRecord:
        """The newest record."""
        return self.records[-1]

    @property
    def started(self) -> datetime:
        """When it started."""
        return moment(self.records[0].started)

    @property
    def published(self) -> bool:
        """Whether it has published the data interval."""
        return any(record.published for record in self.records)

    @property
    def failed(self) -> bool:
        """Whether the last try of a step failed, or of all of them was stopped."""
        last = {step.step: step.state for record in self.records for step in record.steps}
        return "failed" in last.values() or self.last.state in ("failed", "stopped")

    @property
    def state(self) -> str:
        """`failed`, `published`, or `running` if it is none of both, or was killed."""
        return "failed" if self.failed else "published" if self.published else "running"

    @property
    def rows(self) -> int:
        """How many rows it has published."""
        steps = [step for record in self.records for step in record.steps]
        return sum(step.counts.get("rows", 0) for step in steps if step.step == "publish")

    @property
    def error(self) -> str:
        """Why it failed, or that it never ended."""
        told = [record.error for record in self.records if record.error]
        if told:
            return told[-1]
        ends = {"stopped": "it was stopped", "failed": "it broke off"}
        return ends.get(self.last.state, "it was killed")


def attempts(found: Sequence[RunRecord]) -> list[Attempt]:
    """Group the records of each run, in the order in which runs have started."""
    runs: dict[tuple[str, str], list[RunRecord]] = defaultdict(list)
    for record in found:
        runs[record.key, record.run].append(record)
    return [Attempt(run) for run in runs.values()]
