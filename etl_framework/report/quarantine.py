"""Rows that were taken out and about which nothing has been decided: how many, since when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from etl_framework.errors import EtlError
from etl_framework.project.project import Project
from etl_framework.quarantine.rows import OPEN, Quarantine
from etl_framework.report.facts import Wall
from etl_framework.run.history import SIDE_BY_SIDE, StepFacts
from etl_framework.run.status import Cell
from etl_framework.storage.decisions import decisions
from etl_framework.targets.published import moment


@dataclass(frozen=True)
class Waiting:
    """The open rows of a relation.

    :param intervals: the data intervals that they are of, the oldest first.
    :param since: when a run has taken the first of them out.
    :param command: what sends them through again.
    """

    pipeline: str
    relation: str
    rows: int
    intervals: Sequence[str]
    since: datetime
    command: str


@dataclass(frozen=True)
class _Open:
    """The open rows of a relation in one data interval."""

    relation: str
    cell: Cell
    rows: int
    since: datetime


def waiting(project: Project, environment: str | None, wall: Wall) -> list[Waiting]:
    """The relations of a pipeline with open rows, those that wait the longest first.

    :raises RetryableError: staging does not answer.
    """
    folder = project.workspace(environment).staging

    def left(taken: _Open) -> _Open:
        """What is open of it; the rows themselves are read only where something was decided."""
        run = folder.run(wall.pipeline.name, taken.cell.interval.key)
        with suppress(EtlError):  # else all count as open
            if decisions(run, taken.relation):
                quarantine = Quarantine(
                    project, environment, f"{wall.pipeline.name}.{taken.relation}"
                )
                rows = sum(states[OPEN] for states in quarantine.states(run).values())
                return _Open(taken.relation, taken.cell, rows, taken.since)
        return taken

    with ThreadPoolExecutor(SIDE_BY_SIDE if folder.remote else 1) as pool:
        found = [taken for taken in pool.map(left, _taken(wall)) if taken.rows]
    chosen = f" --env {environment}" if environment else ""
    by_relation: dict[str, list[_Open]] = {}
    for taken in found:
        by_relation.setdefault(taken.relation, []).append(taken)
    result = [
        Waiting(
            pipeline=wall.pipeline.name,
            relation=relation,
            rows=sum(taken.rows for taken in of),
            intervals=[taken.cell.label for taken in of],
            since=min(taken.since for taken in of),
            command=f"etl quarantine replay {wall.pipeline.name}.{relation}{chosen}",
        )
        for relation, of in by_relation.items()
    ]
    return sorted(result, key=lambda waits: waits.since)


def _taken(wall: Wall) -> Iterator[_Open]:
    """What the last run of each step has taken out of each data interval.

    The rows of a relation that the pipeline's file has no more cannot be sent again.
    """
    known = wall.pipeline.relations()
    for cell in wall.taken_out.cells:
        rows: dict[str, int] = {}
        for step in wall.last_steps(cell).values():
            relation = step.step.partition(".")[2]
            if relation in known and (count := _count(step)):
                rows[relation] = rows.get(relation, 0) + count
        for relation, count in rows.items():
            yield _Open(relation, cell, count, _since(wall, cell, relation))


def _since(wall: Wall, cell: Cell, relation: str) -> datetime:
    """When rows of a data interval were first taken out, as far as runs are remembered."""
    return min(
        moment(step.started) if step.started else cell.interval.end
        for step in wall.steps[cell.interval.key]
        if step.step.partition(".")[2] == relation and _count(step)
    )


def _count(step: StepFacts) -> int:
    """How many rows a step has taken out."""
    return step.counts.get("rejected", 0) + step.counts.get("quarantined", 0)
