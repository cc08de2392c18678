"""`etl import`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.completion import connections
from etl_framework.cli.options import environment_option, project_option


@click.command("import")
@click.argument("connection", shell_complete=connections)
@click.argument("what")
@click.option("--name", help="What the source is called; the table's or the file's if not given.")
@environment_option
@project_option
def import_(
    connection: str, what: str, name: str | None, environment: str | None, root: Path
) -> None:
    """Print the YAML of a source for a table as it is in PostgreSQL, or for CSV files as they look.

    WHAT is a table, or the pattern of files. `etl new source` puts it into a pipeline's file.

    \b
    etl import music_rds tracks
    etl import lake 'streaming-data/*.csv' --name streams
    """
    from etl_framework.authoring.import_source import source_yaml
    from etl_framework.project.project import load_project

    text = source_yaml(load_project(root), environment, connection, what, name)
    click.echo("sources:\n" + text, nl=False)
