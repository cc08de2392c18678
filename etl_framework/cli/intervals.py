"""The data intervals that a command's options ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from etl_framework.cli.log import log

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.project.models import Pipeline
    from etl_framework.project.project import Project


def intervals(
    pipeline: Pipeline, on: date | None, first: date | None, last: date | None
) -> Sequence[DataInterval]:
    """Return the data intervals that the options ask for; by default the latest complete one.

    :raises click.UsageError: the options do not go together, or no interval starts then.
    """
    if on and (first or last):
        raise click.UsageError("give either --date, or --from and --to")
    if (first is None) != (last is None):
        raise click.UsageError("--from and --to go together")
    if first and last and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}")
    if not on and not first:
        return [pipeline.cut().latest(datetime.now(UTC))]
    data_intervals = pipeline.cut().between(on or first or date.min, on or last or date.max)
    if not data_intervals:
        raise click.UsageError(f"no data interval of '{pipeline.schedule}' starts then")
    return data_intervals


def intervals_over(
    pipeline: Pipeline, on: date | None, first: date | None, last: date | None
) -> Sequence[DataInterval]:
    """The data intervals that the options ask for and that are over; says which are left out.

    :raises click.UsageError: no interval is over, or the options do not go together.
    """
    now = datetime.now(UTC)
    today = now.astimezone(pipeline.cut().timezone).date()
    if (begins := on or first) and begins > today:
        raise click.UsageError(f"{begins} is not over yet: today is {today}")
    asked_for = intervals(pipeline, on, first, min(last, today) if last else None)
    over = [interval for interval in asked_for if interval.end <= now]
    if not over:
        raise click.UsageError(
            f"the data interval {asked_for[0]} is not over yet: it is {now:%H:%M} UTC"
        )
    if len(over) < len(asked_for) or (last and last > today):
        log().say(f"up to {over[-1]}: what is asked for behind it is not over yet")
    start = pipeline.start_date
    if start and (early := sum(interval.start.date() < start for interval in over)):
        log().say(f"{early} of {len(over)} data intervals begin before start_date {start}")
    if len(over) > 1:
        log().say(f"{len(over)} data intervals, one run each")
    return over


def gaps(
    project: Project,
    environment: str | None,
    pipeline: Pipeline,
    first: date | None,
    last: date | None,
    on: date | None,
) -> list[DataInterval]:
    """The data intervals between two days that are not published, the oldest first."""
    from etl_framework.run.status import BAD, status

    if on and (first or last):
        raise click.UsageError("give either --date, or --from and --to")
    if first and last and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}")
    row = status(project, environment, pipeline, 0, on or last)
    begin = on or first or date.min
    found = [cell.interval for cell in row.of(*BAD) if cell.interval.start.date() >= begin]
    if found:
        count = f"{len(found):,} data interval{'' if len(found) == 1 else 's'}"
        log().say(f"{count} to run, the oldest first")
    return found
