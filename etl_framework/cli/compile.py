"""`etl compile`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import environment_option, plans_of, project_option


@click.command("compile")
@click.argument("pipeline", shell_complete=pipelines)
@environment_option
@click.option("--keep", is_flag=True, help="Keep it for Airflow, under .etl/compiled; print JSON.")
@project_option
def compile_(pipeline: str, environment: str | None, keep: bool, root: Path) -> None:
    """Show the DAG of a pipeline as dag-factory's YAML.

    It is what a stub in dags/ hands to dag-factory, for reading and for reviews.

    \b
    etl compile music_streaming
    etl compile music_streaming --env prod
    """
    import yaml

    from etl_framework.airflow.compiled import compiled_form
    from etl_framework.airflow.compiled import keep as keep_form
    from etl_framework.project.project import load_project

    project = load_project(root)
    pipeline_file = project.pipeline(pipeline)
    interval = pipeline_file.model.some_interval() if pipeline_file.model else None
    plan = next(plans_of(project, pipeline, environment, [interval]))
    form = compiled_form(project, pipeline_file, plan)
    if keep:
        keep_form(root, pipeline, environment, form)
        click.echo(json.dumps(form))
        return
    config = form["config"]
    click.echo(yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100), nl=False)
