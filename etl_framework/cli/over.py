"""Choose the data intervals for which a run is possible."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from etl_framework.cli.options import intervals

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.project.models import Pipeline


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
        click.echo(f"up to {over[-1]}: what is asked for behind it is not over yet", err=True)
    start = pipeline.start_date
    if start and (early := sum(interval.start.date() < start for interval in over)):
        click.echo(
            f"{early} of {len(over)} data intervals begin before start_date {start}", err=True
        )
    if len(over) > 1:
        click.echo(f"{len(over)} data intervals, one run each", err=True)
    return over
