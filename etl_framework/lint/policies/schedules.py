"""Policies about when pipelines run, how often, and how many runs there are at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date
from functools import cache
from itertools import islice
from typing import ClassVar, Literal

from pydantic import Field

from etl_framework.interval import NONE, Schedule, Span
from etl_framework.lint.policies.base import AllowList, Finding, Policy, missing
from etl_framework.lint.policies.pipelines import PIPELINE
from etl_framework.project.models import Pipeline

# How many data intervals of a schedule are measured, from this day on.
LOOKED_AT, FIRST = 50, date(2024, 1, 1)


class HasSchedule(Policy):
    """A pipeline runs by itself: it has a schedule, or waits for others."""

    code = "P201"

    type: Literal["pipeline_has_schedule"]

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if pipeline.schedule == NONE and not pipeline.after:
            hint = "write schedule, for example '@daily', or after"
            yield missing(("schedule",), PIPELINE, hint)


class HasStartDate(Policy):
    """A pipeline says which day is the first with data."""

    code = "P202"

    type: Literal["pipeline_has_start_date"]

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if pipeline.start_date is None:
            hint = "write start_date: the first day with data"
            yield missing(("start_date",), PIPELINE, hint)


class HasDeadline(Policy):
    """Somebody hears when a run takes too long."""

    code = "P203"

    type: Literal["pipeline_has_deadline"]
    at_most: Span | None = Field(None, description="The longest deadline, for example `6h`.")

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        deadline, longest = pipeline.deadline, self.at_most
        if deadline is None:
            yield missing(("deadline",), PIPELINE, f"write deadline: {longest or '2h'}")
        elif longest and deadline.seconds > longest.seconds:
            message = f"the deadline {deadline} is longer than {longest}"
            yield Finding(("deadline",), message, f"write deadline: {longest}")


class RunsAtMostEvery(Policy):
    """A pipeline does not run more often than makes sense: runs cost money."""

    code = "P204"

    type: Literal["pipeline_runs_at_most_every"]
    every: Span = Field(description="The shortest time between two runs, for example `1h`.")

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if pipeline.schedule != NONE and shortest(pipeline.cut()) < self.every.seconds:
            message = f"'{pipeline.schedule}' runs more often than every {self.every}"
            yield Finding(("schedule",), message, "write a schedule that runs less often")


@cache
def shortest(schedule: Schedule) -> float:
    """Return the seconds of the shortest of the first data intervals of a schedule."""
    return min(
        (interval.end.astimezone(UTC) - interval.start.astimezone(UTC)).total_seconds()
        for interval in islice(schedule.intervals_from(FIRST), LOOKED_AT)
    )


class TimezoneIsAllowed(AllowList):
    """The schedules of pipelines are in the same time zone, or in one of a few."""

    code = "P205"
    word: ClassVar[str] = "time zone"

    type: Literal["timezone_is_allowed"]

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        yield from self.judge(("timezone",), pipeline.timezone)


class RunsSideBySide(Policy):
    """No more than some runs of a pipeline work at the same time."""

    code = "P206"

    type: Literal["pipeline_runs_side_by_side"]
    at_most: int = Field(gt=0, description="The greatest `max_active_runs`.")

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if pipeline.max_active_runs > self.at_most:
            message = f"{pipeline.max_active_runs} runs side by side are more than {self.at_most}"
            hint = f"write max_active_runs: {self.at_most}"
            yield Finding(("max_active_runs",), message, hint)
