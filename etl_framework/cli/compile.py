"""`etl compile`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from etl_framework.cli.options import environment_option, plans_of, project_option
from etl_framework.cli.selecting import chosen, selecting


@click.command("compile")
@selecting
@environment_option
@click.option("--keep", is_flag=True, help="Keep it for Airflow, under .etl/compiled; print JSON.")
@project_option
def compile_(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    keep: bool,
    root: Path,
) -> None:
    """Show the DAGs of pipelines as dag-factory's YAML, a document for each.

    It is what a stub in dags/ hands to dag-factory, for reading and for reviews. SELECTORS are as
    for `etl ls`; all pipelines if none is given.

    \b
    etl compile music_streaming
    etl compile tag:daily --env prod
    """
    import yaml

    from etl_framework.airflow.compiled import compiled_form
    from etl_framework.airflow.compiled import keep as keep_form
    from etl_framework.project.project import load_project

    project = load_project(root)
    for number, each in enumerate(
        chosen(project, selectors, select, exclude, base, environment, kinds=())
    ):
        name = each.name
        plan = next(plans_of(project, name, environment, [each.model.some_interval()]))
        form = compiled_form(project, each.file, plan)
        if keep:
            keep_form(root, name, environment, form)
            click.echo(json.dumps(form))
            continue
        written = yaml.safe_dump(form["config"], sort_keys=False, allow_unicode=True, width=100)
        click.echo(f"---\n{written}" if number else written, nl=False)
