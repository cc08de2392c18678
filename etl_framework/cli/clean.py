"""`etl clean`"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from etl_framework.cli.document import document
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import environment_option, format_option, project_option


@click.command()
@environment_option
@click.option(
    "--days", type=click.IntRange(0), help="How old; the environment's `staging_days` if not given."
)
@project_option
@format_option("text", "json")
@log_options
def clean(environment: str | None, days: int | None, root: Path, format_: str) -> None:
    """Delete what runs left in S3 and in the cluster: killed attempts, manifests, staging tables.

    Finished outputs, rejected rows and corrections stay. A folder on this machine has none of these
    leftovers. Records of runs are deleted after the environment's `history_days`.

    \b
    etl clean --env aws_local
    etl clean --env aws_local --days 1
    """
    from etl_framework.project.project import load_project
    from etl_framework.run.clean import clean as delete

    with document(format_) as facts:
        deleted = delete(load_project(root), environment, days)
        facts["deleted"] = asdict(deleted)
    told = f"{deleted.objects:,} objects, {deleted.tables:,} tables and {deleted.records:,} records"
    log().say(f"deleted {told} of runs", "summary")
