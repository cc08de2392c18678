"""`etl run`"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from etl_framework.cli.options import (
    date_option,
    day,
    environment_option,
    intervals_over,
    plans_of,
    project_option,
    variable_option,
)
from etl_framework.cli.selecting import SELECTED, chosen, selecting

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.plan.plan import Plan
    from etl_framework.project.models import Pipeline
    from etl_framework.project.project import Project
    from etl_framework.project.selection import Selected
    from etl_framework.run.run import Run
    from etl_framework.targets.load import Older


@click.command()
@selecting
@environment_option
@date_option
@variable_option
@click.option("--from", "first", metavar="A", callback=day, help="Backfill: the first day,")
@click.option("--to", "last", metavar="B", callback=day, help="and the last one, included.")
@click.option("--fresh", is_flag=True, help="Do every step again, even where its output is there.")
@click.option(
    "--replace-newer",
    is_flag=True,
    help="Put the rows of an older data interval also in the place of a newer one's.",
)
@click.option(
    "--missing",
    is_flag=True,
    help="The data intervals that `etl status` calls failed,"
    " missing or late, the oldest first; --from and --to bound them.",
)
@click.option("--keep-going", is_flag=True, help="Go on behind a data interval that fails.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many pipelines at a time.",
)
@click.option("-v", "--verbose", is_flag=True, help="Every step, also of several data intervals.")
@project_option
def run(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    on: date | None,
    variables: dict[str, str],
    first: date | None,
    last: date | None,
    fresh: bool,
    replace_newer: bool,
    missing: bool,
    keep_going: bool,
    jobs: int,
    verbose: bool,
    root: Path,
) -> None:
    """Run a pipeline for one data interval, or for every of several; or several pipelines.

    Without a date it is the latest complete interval; one that is not over yet never runs. A step
    whose finished output is still true is not done again. Nothing is published unless every check
    of severity error passes. Several intervals have a line each, and end with a summary. Several
    pipelines, as `etl ls` selects them, run in the order in which they come after one another; one
    that fails stops those that come after it, and no others. A KPI that is selected runs with what
    it needs, and is published alone.

    \b
    etl run music_streaming
    etl run music_streaming.kpis_genre        or: etl run music_streaming --select kpis_genre
    etl run music_streaming --date 2024-06-25
    etl run music_streaming --from 2024-06-25 --to 2024-07-01 --keep-going
    etl run music_streaming --missing
    etl run tag:daily orders+ --jobs 4
    etl run result:failed --missing
    etl run music_streaming --var min_listens=5
    """
    from etl_framework.cli.jobs import run_side_by_side
    from etl_framework.cli.several import run_several
    from etl_framework.project.project import load_project

    project = load_project(root).given(variables)
    older: Older = "replace" if replace_newer else "refuse"

    if not selectors and not select:
        raise click.UsageError("say which: names, selectors as `etl ls` takes them, or '*'")
    found = chosen(project, selectors, select, exclude, base, environment)
    if jobs > 1 and len(found) > 1:
        sys.exit(run_side_by_side(project, found, jobs, _options(click.get_current_context())))

    def one(each: Selected) -> None:
        model, name = each.model, each.name
        intervals: Sequence[DataInterval | None] = [None]
        if missing:
            intervals = _gaps(project, environment, model, first, last, on)
        else:
            intervals = intervals_over(model, on, first, last)
        if not intervals:
            click.echo("nothing is missing", err=True)
            return
        plans = plans_of(project, name, environment, intervals)
        runs = _runs(project, environment, plans, each.relations, fresh, older)
        _run_all(runs, intervals, keep_going=keep_going, verbose=verbose)

    run_several(project, found, one)


def _options(context: click.Context) -> list[str]:
    """The options that the command was given, without those that select."""
    given = ["--project", str(context.params["root"])]
    for option in context.command.params:
        name = option.name or ""
        default = context.get_parameter_source(name) == ParameterSource.DEFAULT
        if name in (*SELECTED, "jobs", "root") or default or not isinstance(option, click.Option):
            continue
        value = context.params[name]
        if isinstance(value, dict):
            given += [part for n, v in value.items() for part in (option.opts[0], f"{n}={v}")]
        else:
            given += [option.opts[0]] if option.is_flag else [option.opts[0], str(value)]
    return given


def _run_all(
    runs: Iterable[Run],
    intervals: Sequence[DataInterval | None],
    *,
    keep_going: bool,
    verbose: bool,
) -> None:
    from etl_framework.cli.backfill import run_each
    from etl_framework.cli.progress import run_all

    if len(intervals) == 1:
        run_all(runs)
    else:
        planned = [interval for interval in intervals if interval]
        run_each(runs, planned, keep_going=keep_going, verbose=verbose)


def _gaps(
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
        click.echo(f"{_counted(found)} to run, the oldest first", err=True)
    return found


def _counted(intervals: Sequence[DataInterval]) -> str:
    return f"{len(intervals):,} data interval{'' if len(intervals) == 1 else 's'}"


def _runs(
    project: Project,
    environment: str | None,
    plans: Iterable[Plan],
    only: Collection[str] | None,
    fresh: bool,
    older: Older,
) -> Iterator[Run]:
    """The run of each plan, after those of earlier intervals in which rows came late.

    Those of later intervals follow, if they read what has changed.

    :param only: run these KPIs alone; all if it is None.
    """
    from etl_framework.plan.plan import build_plan
    from etl_framework.run.late import late
    from etl_framework.run.run import Run
    from etl_framework.run.stale import stale_runs

    plan = None
    for plan in plans:
        narrowed = plan.only(only) if only else plan
        found = late(plan)
        for changed in found:
            click.echo(f"{changed.told}: it is run again", err=True)
        for interval in dict.fromkeys(changed.interval for changed in found):
            again = build_plan(project, plan.pipeline.name, environment, interval)
            kpis = again.pipeline.kpis.items()
            yield Run(
                again.only([name for name, kpi in kpis if kpi.target.restate == "allow"]),
                older="keep",
                how="etl run, rows that came late",
            )
        yield Run(narrowed, fresh=fresh, older=older, how="etl run")
    if plan:
        yield from stale_runs(project, environment, plan, partial(click.echo, err=True))
