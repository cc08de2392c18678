"""`etl restate`"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.intervals import intervals_over
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import (
    day,
    environment_option,
    plans_of,
    project_option,
    variable_option,
)
from etl_framework.cli.protection import refuse_protected, yes_option

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.project.project import Project


@click.command()
@click.argument("pipeline", shell_complete=pipelines)
@environment_option
@click.option("--from", "first", metavar="A", callback=day, required=True, help="The first day,")
@click.option("--to", "last", metavar="B", callback=day, required=True, help="and the last one.")
@click.option("--select", metavar="KPI", multiple=True, help="These KPIs alone.")
@click.option("--downstream", is_flag=True, help="And the pipelines that come after it.")
@variable_option
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@yes_option
@project_option
@log_options
def restate(
    pipeline: str,
    environment: str | None,
    first: date,
    last: date,
    select: tuple[str, ...],
    downstream: bool,
    variables: dict[str, str],
    dry_run: bool,
    yes: bool,
    root: Path,
) -> None:
    """Compute past data intervals anew, and replace exactly their rows in every target.

    Every step is done again. Rows of other intervals stay as they are, and a table that holds a
    newer one alone does, too. What will be done is said first.

    \b
    etl restate music_streaming --from 2024-06-25 --to 2024-06-27 --dry-run
    etl restate music_streaming --from 2024-06-25 --to 2024-06-27 --select kpis_genre
    """
    from etl_framework.project.project import load_project
    from etl_framework.run import restate as restating

    project = load_project(root).given(variables)
    if not dry_run:
        refuse_protected(project, environment, yes=yes)
    built = _plans(project, pipeline, environment, first, last)
    kpis = restating.selected(built[0], select)
    later = restating.downstream(project, pipeline, kpis)
    work = [(built, kpis)]
    for name in later if downstream else ():
        others = _plans(project, name, environment, first, last)
        work.append((others, restating.selected(others[0], ())))
    if later and not downstream:
        log().say(f"comes after it and is not restated: {', '.join(later)} (--downstream)")
    ready = [(plans, _told(plans, kpis)) for plans, kpis in work]
    for plans, kpis in () if dry_run else ready:
        _run(project, environment, plans, kpis)


def _plans(
    project: Project, pipeline: str, environment: str | None, first: date, last: date
) -> list[Plan]:
    model = project.pipeline(pipeline).model
    intervals = intervals_over(model, None, first, last) if model else [None]
    return list(plans_of(project, pipeline, environment, intervals))


def _told(plans: list[Plan], kpis: list[str]) -> list[str]:
    """Say what will be done to each table, and return the KPIs with something to be done."""
    from etl_framework.cli.table import text_table
    from etl_framework.run.restate import restatements

    told = restatements(plans, kpis)
    rows = [(str(each.interval), each.table, each.strategy, each.what) for each in told]
    click.echo(text_table(("data interval", "table", "strategy", "what is done"), rows))
    changed = {each.kpi for each in told if not each.kept}
    return [name for name in kpis if name in changed]


def _run(project: Project, environment: str | None, plans: list[Plan], kpis: list[str]) -> None:
    from etl_framework.cli.progress import run_all
    from etl_framework.run.run import Run
    from etl_framework.run.stale import stale_runs

    if not kpis:
        log().say("nothing to restate")
        return
    run_all(Run(plan.only(kpis), fresh=True, older="keep", how="etl restate") for plan in plans)
    run_all(stale_runs(project, environment, plans[-1], log().say))
