"""`etl report`"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import chosen_models, day, environment_option, project_option


@click.command()
@environment_option
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("report"),
    show_default=True,
    help="The folder to write.",
)
@click.option(
    "--last",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="How many data intervals of each pipeline, counted from the newest.",
)
@click.option("--to", "until", metavar="D", callback=day, help="The last day; today if not given.")
@click.option(
    "--pipeline",
    "only",
    multiple=True,
    metavar="P",
    shell_complete=pipelines,
    help="This pipeline alone; may be given more than once.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Take the numbers of each KPI's newest data interval apart: seconds more for each KPI.",
)
@project_option
def report(
    environment: str | None,
    output: Path,
    last: int,
    until: date | None,
    only: tuple[str, ...],
    explain: bool,
    root: Path,
) -> None:
    """Write pages about pipelines, KPIs, sources, runs and checks, for a browser.

    It opens them from the folder, or from a bucket: they need no server and load nothing from
    elsewhere. Sensitive values are masked.

    \b
    etl report
    etl report --explain
    etl report --to 2024-07-01 --last 7 --output /tmp/report
    """
    from etl_framework.project.project import load_project
    from etl_framework.report.site import write_site

    project = load_project(root)
    models = chosen_models(project, only)
    click.echo(write_site(project, environment, output, last, models, until, explain=explain))
