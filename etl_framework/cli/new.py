"""`etl new`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from etl_framework.cli.options import environment_option, project_option


@click.group()
def new() -> None:
    """Begin a pipeline, a source or KPI in it, or its DAG file.

    \b
    etl new pipeline orders
    etl new source orders.customers --connection music_rds --from customers
    etl new kpi orders.by_country --from customers --by country
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


@new.command()
@click.argument("name")
@click.option("--from", "relation", help="The source or transform that it reads.")
@click.option("--by", help="The column that it groups by.")
@project_option
def kpi(name: str, relation: str | None, by: str | None, root: Path) -> None:
    """Add a KPI with its template and a test; it counts rows, and is to be edited.

    NAME is the pipeline's and the KPI's. The file's comments and order stay as they are.

    \b
    etl new kpi music_streaming.kpis_artist --from tracks --by artist
    """
    from etl_framework.adding import add_kpi
    from etl_framework.config.project import load_project

    pipeline, short = _two(name)
    relation, by = _ask("reads which source or transform", relation), _ask("grouped by", by)
    for path in add_kpi(load_project(root), pipeline, short, relation, by):
        click.echo(path)
    click.echo(
        f"next: edit them, then `etl lint`, `etl test {name}`, `etl preview {short}`", err=True
    )


@new.command()
@click.argument("name")
@click.option("--connection", required=True, help="Where it is.")
@click.option("--from", "what", required=True, help="The table, or the pattern of files.")
@environment_option
@project_option
def source(name: str, connection: str, what: str, environment: str | None, root: Path) -> None:
    """Add a source with the columns that a table or CSV file has.

    \b
    etl new source music_streaming.artists --connection music_rds --from artists
    """
    from etl_framework.adding import add_source
    from etl_framework.config.project import load_project

    pipeline, short = _two(name)
    for path in add_source(load_project(root), pipeline, short, environment, connection, what):
        click.echo(path)


def _two(name: str) -> tuple[str, str]:
    pipeline, _, short = name.partition(".")
    if not short:
        raise click.UsageError(f"'{name}' names no pipeline; write music_streaming.{name}")
    return pipeline, short


def _ask(what: str, given: str | None) -> str | None:
    """What an option gives, else what the user types, if there is one who can."""
    if given or not sys.stdin.isatty():
        return given
    return str(click.prompt(what, default="", show_default=False)) or None
