"""`etl new`"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from etl_framework.cli.completion import connections, relations
from etl_framework.cli.options import environment_option, project_option


@click.group()
def new() -> None:
    """Begin a pipeline, a source or KPI in it, or its DAG file.

    What is not given is asked for in a terminal. All files are written or none, and comments and
    order of those that are there stay as they are.

    \b
    etl new pipeline orders
    etl new source orders.customers --connection music_rds --from customers
    etl new kpi orders.by_country --from customers --by country
    etl new dag orders
    """


@new.command()
@click.argument("name", required=False)
@project_option
def pipeline(name: str | None, root: Path) -> None:
    """Write a pipeline that passes lint and its own test, to be edited.

    \b
    etl new pipeline orders
    etl new pipeline shop/orders        in a folder of pipelines/
    """
    from etl_framework.authoring.scaffold import new_pipeline
    from etl_framework.project.project import load_project

    project = load_project(root)
    name = _asked("name of the pipeline", name)
    _written(new_pipeline(project, name), f"etl lint, etl test {name.rpartition('/')[2]}")


@new.command()
@click.argument("name")
@project_option
def dag(name: str, root: Path) -> None:
    """Write the DAG file that Airflow finds a pipeline by.

    \b
    etl new dag orders
    etl new dag pipelines/shop                one for all pipelines of a folder
    """
    from etl_framework.authoring.scaffold import new_dag
    from etl_framework.project.project import load_project

    _written(new_dag(load_project(root), name))


@new.command()
@click.argument("name", required=False)
@click.option(
    "--from", "relation", help="The source or transform that it reads.", shell_complete=relations
)
@click.option("--by", help="The column that it groups by.")
@project_option
def kpi(name: str | None, relation: str | None, by: str | None, root: Path) -> None:
    """Add a KPI with its template and a test; it counts rows, and is to be edited.

    NAME is the pipeline's and the KPI's. The file's comments and order stay as they are.

    \b
    etl new kpi music_streaming.kpis_artist --from tracks --by artist
    """
    from etl_framework.authoring.add import add_kpi, columns_of, free_name, relations
    from etl_framework.project.project import load_project

    project = load_project(root)
    pipeline, short = _two(_asked("name, as pipeline.kpi", name))
    free_name(project, pipeline, short)
    known, chosen = relations(project, pipeline), not (relation and by)
    if _asks():
        relation = _asked("it reads", relation, known, known[-1])
    relation = relation or known[-1]
    columns = columns_of(project, pipeline, relation)
    if _asks():
        by = _asked("it groups by", by, columns, next(iter(columns)))
    by = by or next(iter(columns))
    if chosen and not _asks():
        others = f"--from {'|'.join(known)}, --by {'|'.join(columns)}"
        click.echo(f"it reads {relation} and groups by {by}; other ways: {others}", err=True)
    _written(
        add_kpi(project, pipeline, short, relation, by),
        f"etl lint, etl test {pipeline}.{short}, etl preview {short}",
    )


@new.command()
@click.argument("name", required=False)
@click.option("--connection", help="Where it is.", shell_complete=connections)
@click.option("--from", "what", help="The table, or the pattern of files.")
@environment_option
@project_option
def source(
    name: str | None, connection: str | None, what: str | None, environment: str | None, root: Path
) -> None:
    """Add a source with the columns that a table or CSV file has.

    \b
    etl new source music_streaming.artists --connection music_rds --from artists
    """
    from etl_framework.authoring.add import add_source, free_name
    from etl_framework.project.project import load_project

    project = load_project(root)
    pipeline, short = _two(_asked("name, as pipeline.source", name))
    free_name(project, pipeline, short)
    known = project.environment(environment).connections
    connection = _asked("its connection", connection, known, option="--connection")
    what = _asked("its table, or pattern of files", what, option="--from")
    _written(add_source(project, pipeline, short, environment, connection, what), "etl lint")


def _two(name: str) -> tuple[str, str]:
    pipeline, _, short = name.partition(".")
    if not short:
        raise click.UsageError(f"'{name}' names no pipeline; write music_streaming.{name}")
    return pipeline, short


def _asks() -> bool:
    return sys.stdin.isatty()


def _asked(
    what: str,
    given: str | None,
    known: Iterable[str] = (),
    default: str | None = None,
    option: str = "NAME",
) -> str:
    """The value from the command line, or else the answer of the user at the terminal.

    :raises click.UsageError: there is no value, and no terminal to ask at.
    """
    if given:
        return given
    if not _asks():
        raise click.UsageError(f"give {option}: {what}")
    choice = click.Choice(list(known)) if known else None
    return str(click.prompt(what, type=choice, default=default, err=True))


def _written(paths: Iterable[str], then: str = "") -> None:
    for path in paths:
        click.echo(path)
    if then:
        click.echo(f"next: edit, then: {then}", err=True)
