"""`etl report`"""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import day, environment_option, project_option
from etl_framework.cli.selecting import chosen, selecting


@click.command()
@selecting
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
    help="The same as --select.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Take the numbers of each KPI's newest data interval apart: seconds more for each KPI.",
)
@click.option(
    "--serve",
    "served",
    is_flag=True,
    help="Serve them to this machine's browsers; they follow runs and files until Ctrl-C.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="With --serve: where; 0 for any that is free.",
)
@click.option(
    "--publish",
    "address",
    metavar="s3://BUCKET/PREFIX",
    is_flag=False,
    flag_value="",
    help="Put them into a bucket, too; without an address where the environment's `report` says.",
)
@project_option
def report(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    output: Path,
    last: int,
    until: date | None,
    only: tuple[str, ...],
    explain: bool,
    served: bool,
    port: int,
    address: str | None,
    root: Path,
) -> None:
    """Write pages about pipelines, KPIs, sources, runs and checks, for a browser.

    It opens them from the folder, or from a bucket: they need no server and load nothing from
    elsewhere. Sensitive values are masked. SELECTORS are as for `etl ls`; all pipelines if none is
    given.

    \b
    etl report
    etl report --explain
    etl report owner:shop
    etl report --to 2024-07-01 --last 7 --output /tmp/report
    etl report --serve                        beside `etl watch` or a run
    etl report --env prod --publish           where the team reads them
    """
    if served and address is not None:
        raise click.UsageError("give either --serve or --publish")
    from etl_framework.project.project import load_project
    from etl_framework.report.site import Written, write_site

    def make() -> Written:
        project = load_project(root)
        narrowed = (*select, *only)
        found = chosen(project, selectors, narrowed, exclude, base, environment, kinds=())
        models = [each.model for each in found]
        return write_site(project, environment, output, last, models, until, explain=explain)

    if address is not None:
        from etl_framework.errors import ConfigError
        from etl_framework.report.publish import publish_site

        project = load_project(root)
        if project.environments_file.diagnostics:
            raise ConfigError(project.environments_file.diagnostics)
        done, where = publish_site(project.workspace(environment), make, address)
        click.echo(
            f"{done.written} written, {done.deleted} deleted, {done.same} the same", err=True
        )
        click.echo(where)
        return
    if not served:
        click.echo(make().index)
        return
    from etl_framework.report.serve import serve

    try:
        serve(root, environment, make, port, partial(click.echo, err=True))
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
