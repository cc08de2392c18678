"""`etl run`"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.document import document
from etl_framework.cli.intervals import gaps, intervals_over
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import (
    date_option,
    day,
    environment_option,
    format_option,
    plans_of,
    project_option,
    variable_option,
)
from etl_framework.cli.protection import refuse_protected, yes_option
from etl_framework.cli.selecting import chosen, selecting

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.plan.plan import Plan
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
@yes_option
@project_option
@format_option("text", "json")
@log_options
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
    yes: bool,
    root: Path,
    format_: str,
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

    older: Older = "replace" if replace_newer else "refuse"

    def one(project: Project, each: Selected) -> None:
        model, name = each.model, each.name
        intervals: Sequence[DataInterval | None] = [None]
        if missing:
            intervals = gaps(project, environment, model, first, last, on)
        else:
            intervals = intervals_over(model, on, first, last)
        if not intervals:
            log().say("nothing is missing")
            return
        plans = plans_of(project, name, environment, intervals)
        runs = _runs(project, environment, plans, each.relations, fresh, older)
        _run_all(runs, intervals, keep_going=keep_going)

    code = 0
    with document(format_, runs=[], not_run=[]):
        if not selectors and not select:
            raise click.UsageError("say which: names, selectors as `etl ls` takes them, or '*'")
        project = load_project(root).given(variables)
        refuse_protected(project, environment, yes=yes)
        found = chosen(project, selectors, select, exclude, base, environment)
        if jobs > 1 and len(found) > 1:
            code = run_side_by_side(project, found, jobs, click.get_current_context())
        else:
            run_several(project, found, partial(one, project))
    if code:
        sys.exit(code)


def _run_all(
    runs: Iterable[Run],
    intervals: Sequence[DataInterval | None],
    *,
    keep_going: bool,
) -> None:
    from etl_framework.cli.backfill import run_each
    from etl_framework.cli.progress import run_all

    if len(intervals) == 1:
        run_all(runs)
    else:
        planned = [interval for interval in intervals if interval]
        run_each(runs, planned, keep_going=keep_going)


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
            log().say(f"{changed.told}: it is run again")
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
        yield from stale_runs(project, environment, plan, log().say)
