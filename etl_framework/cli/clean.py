"""`etl clean`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.options import environment_option, project_option


@click.command()
@environment_option
@click.option(
    "--days", type=click.IntRange(0), help="How old; the environment's `staging_days` if not given."
)
@project_option
def clean(environment: str | None, days: int | None, root: Path) -> None:
    """Delete what runs left in S3 and in the cluster: killed attempts, manifests, staging tables.

    Finished outputs, rejected rows and corrections stay. A folder on this machine has none of these
    leftovers. Records of runs are deleted after the environment's `history_days`.

    \b
    etl clean --env aws_local
    etl clean --env aws_local --days 1
    """
    from etl_framework.project.project import load_project
    from etl_framework.run.clean import clean as delete

    deleted = delete(load_project(root), environment, days)
    told = f"{deleted.objects:,} objects, {deleted.tables:,} tables and {deleted.records:,} records"
    click.echo(f"deleted {told} of runs", err=True)
