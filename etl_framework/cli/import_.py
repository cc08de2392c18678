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
@click.option("--encoding", help="How the files are encoded: cp1252, latin-1, ...")
@click.option("--delimiter", metavar="CHAR", help="Between two values; \\t is a tab.")
@click.option("--quote", metavar="CHAR", help="Around values; '' if nothing is.")
@click.option(
    "--header/--no-header", default=None, help="Whether the first line names the columns."
)
@click.option(
    "--null", "nulls", metavar="WORD", multiple=True, help="Means no value; may be repeated."
)
@environment_option
@project_option
def import_(
    connection: str,
    what: str,
    name: str | None,
    encoding: str | None,
    delimiter: str | None,
    quote: str | None,
    header: bool | None,
    nulls: tuple[str, ...],
    environment: str | None,
    root: Path,
) -> None:
    """Print the YAML of a source for a table as it is in PostgreSQL, or for CSV files as they look.

    WHAT is a table, or the pattern of files. `etl new source` puts it into a pipeline's file.
    How CSV files are written is found out; the options say what cannot be.

    \b
    etl import music_rds tracks
    etl import lake 'streaming-data/*.csv' --name streams
    etl import lake 'orders/{{ interval.date }}/*.csv' --encoding cp1252
    """
    from etl_framework.authoring.csv.given import Given
    from etl_framework.authoring.import_source import source_yaml
    from etl_framework.project.project import load_project

    given = Given(_character(delimiter), quote, encoding, header, nulls or None)
    text = source_yaml(load_project(root), environment, connection, what, name, given)
    click.echo("sources:\n" + text, nl=False)


def _character(written: str | None) -> str | None:
    return "\t" if written in ("\\t", "tab") else written
