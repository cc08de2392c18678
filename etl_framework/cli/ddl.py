"""`etl ddl`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.document import document
from etl_framework.cli.options import environment_option, format_option, plans, project_option


@click.command()
@click.argument("pipeline", shell_complete=pipelines)
@environment_option
@project_option
@format_option("text", "json")
def ddl(pipeline: str, environment: str | None, root: Path, format_: str) -> None:
    """Print CREATE TABLE for a pipeline's source tables, its targets and the ledger.

    Opens no connection and reads no secret.

    \b
    etl ddl music_streaming
    etl ddl music_streaming --env aws_local
    """
    from etl_framework.plan.ddl import source_tables, target_tables
    from etl_framework.project.project import load_project

    with document(format_, pipeline=pipeline) as facts:
        built = next(plans(load_project(root), pipeline, environment))
        sources = list(source_tables(built.pipeline))
        targets = list(target_tables(built.pipeline, built.environment))
        facts |= {"environment": built.environment_name, "sources": sources, "targets": targets}
    if format_ == "json":
        return
    parts = {
        "what the sources read, in PostgreSQL": sources,
        f"what the KPIs fill, in {built.environment_name}": targets,
    }
    for title, statements in parts.items():
        click.echo(f"-- {title}")
        for sql in statements:
            click.echo(f"{sql};")
        click.echo()
