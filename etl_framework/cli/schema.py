"""`etl schema`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from etl_framework.cli.options import project_option

FILES = {"pipeline": "pipeline.schema.json", "environments": "environments.schema.json"}


@click.command()
@click.argument("which", type=click.Choice(list(FILES)), required=False)
@project_option
def schema(which: str | None, root: Path) -> None:
    """Write the JSON Schemas that editors use, or print one.

    \b
    etl schema                  write both into the project's folder
    etl schema pipeline         print the one of pipeline files
    """
    for name, text in schemas().items():
        if which == name:
            click.echo(text, nl=False)
        elif which is None:
            (root / FILES[name]).write_text(text, encoding="utf-8")
            click.echo(f"wrote {root / FILES[name]}", err=True)


def schemas() -> dict[str, str]:
    """Each schema as text."""
    from etl_framework.config.environments import Environments
    from etl_framework.config.models import Pipeline
    from etl_framework.model import Model

    models: dict[str, type[Model]] = {"pipeline": Pipeline, "environments": Environments}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        name: json.dumps(head | model.model_json_schema(), indent=2) + "\n"
        for name, model in models.items()
    }
