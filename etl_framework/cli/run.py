"""`etl run`"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import (
    date_option,
    day,
    environment_option,
    intervals_over,
    plans_of,
    project_option,
)


@click.command()
@click.argument("pipeline", shell_complete=pipelines)
@environment_option
@date_option
@click.option("--from", "first", metavar="A", callback=day, help="Backfill: the first day,")
@click.option("--to", "last", metavar="B", callback=day, help="and the last one, included.")
@click.option("--fresh", is_flag=True, help="Do every step again, even where its output is there.")
@project_option
def run(
    pipeline: str,
    environment: str | None,
    on: date | None,
    first: date | None,
    last: date | None,
    fresh: bool,
    root: Path,
) -> None:
    """Run a pipeline for one data interval, or for every of several.

    Without a date it is the latest complete interval; one that is not over yet never runs. A step
    whose finished output is still true is not done again. Nothing is published unless every check
    of severity error passes.

    \b
    etl run music_streaming
    etl run music_streaming --date 2024-06-25
    etl run music_streaming --from 2024-06-25 --to 2024-07-01
    """
    from etl_framework.cli.progress import run_plans
    from etl_framework.project.project import load_project

    project = load_project(root)
    model = project.pipeline(pipeline).model
    intervals = intervals_over(model, on, first, last) if model else [None]
    run_plans(plans_of(project, pipeline, environment, intervals), fresh=fresh)
