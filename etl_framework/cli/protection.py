"""Protected environments, in which commands write only where that is meant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from etl_framework.project.project import Project

yes_option = click.option(
    "--yes", is_flag=True, help="Write also in an environment with `protected: true`."
)


def refuse_protected(project: Project, environment: str | None, *, yes: bool) -> None:
    """End a command that writes, if the environment is protected from that.

    :param yes: whether the command was given `--yes`.
    :raises UsageError: it is.
    """
    name = project.environment_name(environment)
    protected = project.environment(name).protected
    if protected == "ci" and not in_ci():
        raise click.UsageError(
            f"the environment '{name}' is protected: only CI writes there, and the variable CI is"
            " not set"
        )
    if protected is True and not yes:
        raise click.UsageError(f"the environment '{name}' is protected: give --yes to write there")


def in_ci() -> bool:
    """Whether this runs in CI, as GitHub, GitLab and others say it."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")
