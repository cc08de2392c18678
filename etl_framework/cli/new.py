"""`etl new`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.options import project_option


@click.group()
def new() -> None:
    """Begin a pipeline, or the DAG file of one.

    \b
    etl new pipeline orders
    etl new dag orders
    """


@new.command()
@click.argument("name")
@project_option
def pipeline(name: str, root: Path) -> None:
    """Write a pipeline that passes lint and its own test, to be edited.

    \b
    etl new pipeline orders
    """
    from etl_framework.config.project import load_project
    from etl_framework.scaffold import new_pipeline

    for path in new_pipeline(load_project(root), name):
        click.echo(path)
    click.echo(f"next: edit them, then `etl lint`, `etl test {name}`", err=True)


@new.command()
@click.argument("name")
@project_option
def dag(name: str, root: Path) -> None:
    """Write the DAG file that Airflow finds a pipeline by.

    \b
    etl new dag orders
    """
    from etl_framework.config.project import load_project
    from etl_framework.scaffold import new_dag

    for path in new_dag(load_project(root), name):
        click.echo(path)
