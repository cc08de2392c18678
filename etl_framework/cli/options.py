"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from etl_framework.cli.completion import environments
from etl_framework.cli.intervals import intervals

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.plan.plan import Plan
    from etl_framework.project.project import Project

F = TypeVar("F", bound=Callable[..., Any])


def nearest_project() -> Path:
    """The folder that this one lies in and that is a project; this one if there is none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "environments.yml").is_file() and (folder / "pipelines").is_dir():
            return folder
    return here


project_option = click.option(
    "--project",
    "root",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    default=nearest_project,
    envvar="ETL_PROJECT",
    is_eager=True,
    help="The project's folder, if this one is none and lies in none (ETL_PROJECT).",
)
environment_option = click.option(
    "--env",
    "environment",
    metavar="NAME",
    envvar="ETL_ENV",
    help="The environment, else that of ETL_ENV, else the file's default.",
    shell_complete=environments,
)


def format_option(*formats: str) -> Callable[[F], F]:
    """Return the option `--format`; the first format is the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the result is written.",
    )


def day(context: click.Context, parameter: click.Parameter, value: str | None) -> date | None:
    """Return the date in an option's value, such as `2024-06-25`."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is not a date such as 2024-06-25") from error


date_option = click.option(
    "--date", "on", metavar="D", callback=day, help="The data intervals that start on this day."
)


def _variable(
    context: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Return the names and values of `--var name=value`."""
    found = dict[str, str]()
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"'{each}' is not of the form name=value")
        if name in found:
            raise click.BadParameter(f"'{name}' is given twice")
        found[name] = value
    return found


variable_option = click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_variable,
    help="A value for one of the `params` of a pipeline.",
)


def plans(
    project: Project,
    name: str,
    environment: str | None,
    on: date | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Iterator[Plan]:
    """Return the plan of every data interval that the options ask for.

    :raises ConfigError: the files have errors; holds every error.
    """
    model = project.pipeline(name).model
    data_intervals = intervals(model, on, first, last) if model else [None]
    return plans_of(project, name, environment, data_intervals)


def plans_of(
    project: Project,
    name: str,
    environment: str | None,
    data_intervals: Sequence[DataInterval | None],
) -> Iterator[Plan]:
    """Return the plan of every of these data intervals.

    :raises ConfigError: the files have errors; holds every error.
    """
    from etl_framework.errors import ConfigError
    from etl_framework.lint.linter import Linter
    from etl_framework.plan.plan import build_plan

    file = project.pipeline(name)
    problems, compiled = Linter(project.root).look_for_run(project, [file], data_intervals[0])
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise ConfigError(errors)
    for index, interval in enumerate(
        data_interval for data_interval in data_intervals if data_interval
    ):
        compilation = compiled.get(file.file.path) if index == 0 else None
        yield build_plan(project, name, environment, interval, compilation)
