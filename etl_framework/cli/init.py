"""`etl init`"""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("given", metavar="FOLDER", type=click.Path(file_okay=False))
def init(given: str) -> None:
    """Begin a project: environments, a pipeline with sample rows that runs, its DAG, CI, schemas.

    \b
    etl init shop
    cd shop && etl lint && etl test && etl run orders --date 2024-06-25 && etl show orders_customers
    """
    from etl_framework.authoring.scaffold import new_project

    if not str(given):
        raise click.UsageError("give FOLDER a name; the one you are in is .")
    folder = Path(given)
    for path in new_project(folder):
        click.echo(folder / path)
    click.echo(
        f"next: cd {folder} && etl lint && etl test && etl run orders --date 2024-06-25", err=True
    )
