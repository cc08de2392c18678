"""`etl plan`"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    plans,
    project_option,
)

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.plan.step import Step


@click.command()
@click.argument("pipeline", shell_complete=pipelines)
@environment_option
@date_option
@click.option("--sql/--no-sql", default=True, help="Show the SQL, as written and as it runs.")
@click.option(
    "--live",
    is_flag=True,
    help="What the warehouse's tables need: what a run changes, what waits for `etl apply`.",
)
@project_option
@format_option("text", "json")
def plan(
    pipeline: str,
    environment: str | None,
    on: date | None,
    sql: bool,
    live: bool,
    root: Path,
    format_: str,
) -> None:
    """Show what a run would do: steps in order, their inputs, SQL and targets.

    Opens no connection and reads no secret, but for --live.

    \b
    etl plan music_streaming
    etl plan music_streaming --no-sql
    etl plan music_streaming --live           what would change in the tables
    """
    from etl_framework.project.project import load_project

    built = next(plans(load_project(root), pipeline, environment, on))
    if live:
        _compare(built, format_)
        return
    if format_ == "json":
        click.echo(json.dumps([_as_object(built, step) for step in built.steps], indent=2))
        return
    click.echo(
        f"{built.pipeline.name} in {built.environment_name}, data interval {built.interval}\n"
    )
    for number, step in enumerate(built.steps, 1):
        click.echo(f"{number:>3}. {step.name}")
        for line in _details(built, step, sql):
            click.echo(f"     {line}")
    if place := built.environment.report:
        click.echo(f"\nOn Airflow, the task report then publishes the report to {place}.")


def _compare(built: Plan, format_: str) -> None:
    """Print what every table needs; exit with 1 if a run would refuse a change."""
    from etl_framework.cli.alterations import lines
    from etl_framework.plan.ddl import changes

    table_changes = list(changes(built))
    if format_ == "json":
        click.echo(json.dumps([asdict(change) for change in table_changes], indent=2))
    for change in table_changes if format_ == "text" else ():
        click.echo("\n".join(lines(change, "; waits for `etl apply`")))
    if any(change.refused for change in table_changes):
        sys.exit(1)


def _details(built: Plan, step: Step, sql: bool) -> list[str]:
    fields = _as_object(built, step)
    lines = [f"reads    {fields['reads']}"] if fields["reads"] else []
    if step.needs:
        lines.append(f"after    {', '.join(step.needs)}")
    lines += [f"check    {label}" for label in fields["checks"]]
    lines += [
        f"target   {target['table']} in {target['connection']}, {target['strategy']}"
        for target in fields["targets"]
    ]
    if sql and step.sql:
        lines += ["as written:", *_indented(step.template), "as it runs:", *_indented(step.sql)]
    return lines


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.strip().split("\n")]


def _as_object(built: Plan, step: Step) -> dict[str, Any]:
    from etl_framework.checks.base import RowCheck
    from etl_framework.sources.base import Source

    source = step.block if step.kind == "extract" and isinstance(step.block, Source) else None
    kpis = [built.pipeline.kpis[name] for name, _ in step.inputs] if step.kind == "publish" else []
    reads = f"{source.reads()} from {source.connection}".strip() if source else ""
    if step.kind == "earlier":
        target = built.pipeline.kpis[step.relation].target
        which = f"those of {step.window}" if step.window and step.window.span else "all others"
        which = "all before" if step.is_history else which
        reads = f"{target.table} from {target.connection}: data intervals, {which}"
    return {
        "step": step.name,
        "kind": step.kind,
        "needs": list(step.needs),
        "inputs": [relation for relation, _ in step.inputs],
        "reads": reads,
        "checks": [
            f"{check.label} ({check.severity}"
            + (", quarantine)" if isinstance(check, RowCheck) and check.on_fail != "fail" else ")")
            for check in (step.checks if step.kind == "check" else ())
        ],
        "targets": [
            kpi.target.model_dump(include={"connection", "table", "strategy"}) for kpi in kpis
        ],
        "template": step.template,
        "sql": step.sql,
    }
