"""`etl apply`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import environment_option, plans, project_option
from etl_framework.cli.protection import refuse_protected


@click.command()
@click.argument("pipeline", shell_complete=pipelines)
@environment_option
@click.option("--select", metavar="KPI", multiple=True, help="The tables of these KPIs alone.")
@click.option(
    "--drop",
    metavar="COLUMN",
    multiple=True,
    help="Drop a column that the KPI no longer has, with its values; `kpi.column` where several"
    " tables have it.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before it is done.")
@project_option
@log_options
def apply(
    pipeline: str,
    environment: str | None,
    select: tuple[str, ...],
    drop: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    root: Path,
) -> None:
    """Give a pipeline's tables the columns of its KPIs, also where a run refuses to.

    Narrower and other types are taken if every value of the table fits exactly; a column that needs
    a value, and that no KPI has, may be empty from then on. If anything would be lost, no table is
    changed. What will be done is said first.

    \b
    etl apply music_streaming --dry-run
    etl apply music_streaming --select kpis_genre
    etl apply music_streaming --select kpis_genre --drop note
    """
    from etl_framework.cli.alterations import lines
    from etl_framework.project.project import load_project
    from etl_framework.run.apply import Application
    from etl_framework.run.restate import selected

    project = load_project(root)
    if not dry_run:
        refuse_protected(project, environment, yes=yes)
    built = next(plans(project, pipeline, environment))
    application = Application.of(built, selected(built, select), drop)
    for change in application.changes:
        click.echo("\n".join(lines(change)))
    if dry_run or application.empty:
        return
    if not (yes or sys.stdin.isatty()):
        raise click.UsageError("give --yes to make these changes, or --dry-run to look at them")
    if not (yes or click.confirm("make these changes?", err=True)):
        log().say("nothing was changed")
        sys.exit(1)
    application.make()
    log().say("done")
