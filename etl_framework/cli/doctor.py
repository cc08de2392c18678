"""`etl doctor`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from etl_framework.cli.options import environment_option, format_option, project_option


@click.command()
@environment_option
@click.option("--target", metavar="VERSION", help="What it is to run on: mwaa:3.3.1.")
@click.option("--class", "size", metavar="NAME", help="The environment's class: mw1.small.")
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="The longest that one examination may take; each has its own if not given.",
)
@project_option
@format_option("text", "json")
def doctor(
    environment: str | None,
    target: str | None,
    size: str | None,
    seconds: float | None,
    root: Path,
    format_: str,
) -> None:
    """Look for what will go wrong around the project: connections, rights, clock, versions.

    Connects to everything that the pipelines use in the environment; in staging it writes and
    deletes a probe.
    Exit codes: 0 clean, 1 found something, 2 could not run.

    \b
    etl doctor
    etl doctor --env prod --target mwaa:3.3.1 --class mw1.small
    etl doctor --env prod --format json
    """
    from etl_framework.doctor.base import Patient
    from etl_framework.doctor.examine import examine
    from etl_framework.lint.formats import FORMATS
    from etl_framework.platforms.mwaa import environment_class, mwaa_version
    from etl_framework.project.project import load_project

    project = load_project(root).at(environment)
    patient = Patient(
        project,
        project.environment_name(environment),
        project.environment(environment),
        mwaa_version(target) if target else None,
        environment_class(size) if size else None,
    )
    problems = examine(patient, seconds)
    click.echo(FORMATS[format_](problems, Path.cwd()), nl=False)
    click.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} found", err=True)
    sys.exit(1 if problems else 0)
