"""`etl compile`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.options import environment_option, plans_of, project_option
from etl_framework.cli.selecting import chosen, selecting

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.selection import Selected


@click.command("compile")
@selecting
@environment_option
@click.option("--expanded", is_flag=True, help="The pipelines instead, with template and defaults.")
@click.option("--keep", is_flag=True, help="Keep it for Airflow, under .etl/compiled; print JSON.")
@project_option
def compile_(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    expanded: bool,
    keep: bool,
    root: Path,
) -> None:
    """Show the DAGs of pipelines as dag-factory's YAML, a document for each.

    It is what a stub in dags/ hands to dag-factory, for reading and for reviews. SELECTORS are as
    for `etl ls`; all pipelines if none is given. With --expanded it is the pipelines themselves, as
    templates and the defaults of folders make them.

    \b
    etl compile music_streaming
    etl compile tag:daily --env prod
    """
    from etl_framework.errors import EtlError
    from etl_framework.project.project import load_project

    project = load_project(root)
    if keep and len(selectors) > 1:  # what is wrong with one is told, and the others are kept
        for name in selectors:
            try:
                _keep(project, name, environment)
            except EtlError as error:
                click.echo(json.dumps({"pipeline": name, "error": str(error)}))
        return
    found = chosen(project, selectors, select, exclude, base, environment, kinds=())
    for number, each in enumerate(found):
        if keep:
            _keep(project, each.name, environment)
            continue
        data = each.file.file.data if expanded else _form(project, each, environment)["config"]
        click.echo(("---\n" if number else "") + _yaml(data), nl=False)


def _keep(project: Project, name: str, environment: str | None) -> None:
    from etl_framework.airflow.compiled import keep
    from etl_framework.project.selection import selected

    (each,) = selected(project, [name], kinds=())
    form = _form(project, each, environment)
    keep(project.root, name, environment, form)
    click.echo(json.dumps({"pipeline": name, **form}))


def _form(project: Project, each: Selected, environment: str | None) -> dict[str, Any]:
    from etl_framework.airflow.compiled import compiled_form

    plan = next(plans_of(project, each.name, environment, [each.model.some_interval()]))
    return compiled_form(project, each.file, plan)


def _yaml(data: Any) -> str:
    import yaml

    plain = json.loads(json.dumps(data, default=str))  # no anchors, which a reader has to follow
    written: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100)
    return written
