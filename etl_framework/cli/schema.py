"""`etl schema`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.authoring.schemas import FILES, schemas
from etl_framework.cli.options import project_option


@click.command()
@click.argument("which", type=click.Choice(list(FILES)), required=False)
@project_option
def schema(which: str | None, root: Path) -> None:
    """Write the JSON Schemas that editors use, or print one.

    \b
    etl schema                  write all of them into the project's folder
    etl schema pipeline         print the one of pipeline files
    """
    for name, text in schemas().items():
        if which == name:
            click.echo(text, nl=False)
        elif which is None:
            (root / FILES[name]).write_text(text, encoding="utf-8")
            click.echo(f"wrote {root / FILES[name]}", err=True)
