"""`etl clean`"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.document import document
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import environment_option, format_option, project_option
from etl_framework.cli.protection import refuse_protected

if TYPE_CHECKING:
    from etl_framework.project.project import Project


@click.command()
@environment_option
@click.option(
    "--days", type=click.IntRange(0), help="How old; the environment's `staging_days` if not given."
)
@click.option(
    "--drop-place",
    is_flag=True,
    help="Drop the environment's own schemas, with all tables in them, and its staging.",
)
@click.option("--yes", is_flag=True, help="Do not ask before that; and write where protected.")
@project_option
@format_option("text", "json")
@log_options
def clean(
    environment: str | None,
    days: int | None,
    drop_place: bool,
    yes: bool,
    root: Path,
    format_: str,
) -> None:
    """Delete what runs left in S3 and in the cluster: killed attempts, manifests, staging tables.

    Finished outputs, rejected rows and corrections stay, unless the environment's `retention` says
    how long values of persons do. A folder on this machine has none of these
    leftovers. Records of runs are deleted after the environment's `history_days`.

    With --drop-place the place of an environment is dropped that has `schema` or `prefix`; another
    one never is, and none that is protected. What will be dropped is said first.

    \b
    etl clean --env aws_local
    etl clean --env aws_local --days 1
    etl clean --env pr --drop-place
    """
    from etl_framework.project.project import load_project
    from etl_framework.run.clean import clean as delete

    with document(format_) as facts:
        project = load_project(root)
        if drop_place:
            if days is not None:
                raise click.UsageError("--drop-place drops all: it takes no --days")
            facts["dropped"] = _drop(project, environment, yes=yes)
            return
        refuse_protected(project, environment, yes=yes)
        deleted = delete(project, environment, days)
        facts["deleted"] = asdict(deleted)
    told = f"{deleted.objects:,} objects, {deleted.tables:,} tables and {deleted.records:,} records"
    if deleted.expired:
        log().say(f"deleted {deleted.expired:,} outputs and corrections, as `retention` says")
    log().say(f"deleted {told} of runs", "summary")


def _drop(project: Project, environment: str | None, *, yes: bool) -> list[str]:
    """Drop the place of an environment, once that is agreed to; what was dropped, in words."""
    from etl_framework.run.drop import PlaceToDrop

    place = PlaceToDrop.of(project, environment)
    told = [f"schema {schema} of {connection}" for connection, schema in place.schemas]
    told += [f"staging {place.staging}"] if place.staging else []
    for what in told:
        log().say(f"drops {what}")
    if not told:
        log().say("nothing is left of the place", "summary")
        return []
    if not (yes or sys.stdin.isatty()):
        raise click.UsageError("give --yes to drop this")
    if not (yes or click.confirm("drop this?", err=True)):
        log().say("nothing was dropped")
        sys.exit(1)
    place.drop()
    log().say(f"dropped {len(told)}", "summary")
    return told
