"""`etl explain`"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import queries
from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    plans,
    plans_of,
    project_option,
)

if TYPE_CHECKING:
    from etl_framework.plan.compilation import Compiled
    from etl_framework.plan.plan import Plan
    from etl_framework.plan.step import Step
    from etl_framework.project.project import Project
    from etl_framework.project.relation import Relation


@click.command()
@click.argument("name", shell_complete=queries)
@click.option(
    "--where",
    "where",
    metavar="COLUMN=VALUE",
    multiple=True,
    help="Take the rows with this value apart: what they are made of, and what was taken out.",
)
@click.option(
    "--settings", is_flag=True, help="NAME is a pipeline: what it is set to, and where that stands."
)
@environment_option
@date_option
@project_option
@format_option("text", "json")
def explain(
    name: str,
    where: tuple[str, ...],
    settings: bool,
    environment: str | None,
    on: date | None,
    root: Path,
    format_: str,
) -> None:
    """Show all about a KPI or transform: template, SQL as rendered and as it runs, plan, lineage.

    Connects nowhere; the query plan is DuckDB's, over empty tables. With --where it takes a number
    apart: the run that published it, how many rows of each step it is made of, the files and lines
    of some, and the rows that were taken out and would have counted.

    \b
    etl explain kpis_genre
    etl explain kpis_genre --where track_genre=Pop
    etl explain music_streaming --settings
    etl explain kpis_genre --env prod --format json
    """
    from etl_framework.plan.compile import compile_queries
    from etl_framework.project.project import load_project

    project = load_project(root)
    if settings:
        _settings(project, name, format_)
        return
    relation = project.find(name)
    if where:
        _take_apart(project, environment, relation, where, on, format_)
        return
    plan = next(plans(project, relation.pipeline.name, environment, on))
    step = plan.step(relation.step)
    compiled = compile_queries(root, project.pipeline(relation.pipeline.name), plan.interval)
    sections = _sections(plan, step, compiled.queries.get(relation.name))
    if format_ == "json":
        click.echo(json.dumps(sections, indent=2))
        return
    click.echo(f"{step.name} in {plan.environment_name}, data interval {plan.interval}")
    for title, text in sections.items():
        if isinstance(text, dict):
            text = "\n".join(f"{name}: {', '.join(made) or '-'}" for name, made in text.items())
        if text:
            click.echo(f"\n{title}")
            for line in text.splitlines():
                click.echo(f"  {line}".rstrip())


def _settings(project: Project, name: str, format_: str) -> None:
    """Print what a pipeline is set to, by itself and by the defaults of its folders."""
    from etl_framework.cli.settings import settings_of
    from etl_framework.cli.table import FORMATS
    from etl_framework.errors import ConfigError

    pipeline_file = project.pipeline(name)
    if pipeline_file.model is None:
        raise ConfigError(pipeline_file.file.diagnostics)
    columns = ("setting", "value", "stands in")
    rows = list(settings_of(pipeline_file))
    click.echo(FORMATS["json" if format_ == "json" else "table"](columns, rows))


def _take_apart(
    project: Project,
    environment: str | None,
    relation: Relation,
    where: tuple[str, ...],
    on: date | None,
    format_: str,
) -> None:
    """Print what rows of a KPI are made of."""
    from etl_framework.cli.apart import as_object, lines
    from etl_framework.workbench.apart import take_apart
    from etl_framework.workbench.inputs import open_inputs

    asked = {}
    for text in where:
        column, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"'{text}' is not COLUMN=VALUE", param_hint="--where")
        asked[column.strip()] = value
    pipeline = relation.pipeline
    with open_inputs(project, environment, pipeline, on) as inputs:
        plan = next(plans_of(inputs.project, pipeline.name, environment, [inputs.interval]))
        apart = take_apart(inputs, plan, relation.name, asked)
    if format_ == "json":
        click.echo(json.dumps(as_object(apart, plan), indent=2, default=str, ensure_ascii=False))
        return
    for line in lines(apart, plan, relation.name, asked):
        click.echo(line)


def _sections(
    plan: Plan, step: Step, compiled: Compiled | None
) -> dict[str, str | dict[str, list[str]]]:
    from etl_framework.engines.base import engine_of
    from etl_framework.plan.lineage import step_lineage

    engine = engine_of(plan.environment)
    sql = engine.sql(compiled) if compiled else ""
    rendered = compiled.rendered if compiled else ""
    return {
        "description": (step.block.description if step.block else "") or "",
        "declared at": ":".join(map(str, step.place)),
        "template": step.template.rstrip(),
        "rendered": rendered.rstrip(),
        f"SQL for {plan.environment.engine}": "" if sql == rendered else sql.rstrip(),
        "query plan": engine.query_plan(step.sql, plan.seen_by(step)) if step.sql else "",
        "columns, and what they are made of": {
            column: [".".join(field) for field in made]
            for column, made in step_lineage(plan, step).items()
        },
    }
