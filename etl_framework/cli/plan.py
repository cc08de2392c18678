"""`etl plan`"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    plans,
    project_option,
    variable_option,
)
from etl_framework.cli.selecting import chosen, selecting

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.plan.step import Step
    from etl_framework.project.selection import Selected


@click.command()
@selecting
@environment_option
@date_option
@variable_option
@click.option("--sql/--no-sql", default=True, help="Show the SQL, as written and as it runs.")
@click.option(
    "--live",
    is_flag=True,
    help="What the warehouse's tables need: what a run changes, what waits for `etl apply`.",
)
@project_option
@format_option("text", "json")
def plan(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    on: date | None,
    variables: dict[str, str],
    sql: bool,
    live: bool,
    root: Path,
    format_: str,
) -> None:
    """Show what a run would do: steps in order, their inputs, SQL and targets.

    SELECTORS are as for `etl ls`: pipelines and KPIs; all if none is given.
    Opens no connection and reads no secret, but for --live.

    \b
    etl plan music_streaming
    etl plan music_streaming --no-sql
    etl plan music_streaming --live           what would change in the tables
    """
    from etl_framework.errors import ConfigError
    from etl_framework.project.project import load_project

    project = load_project(root).given(variables)
    found = chosen(project, selectors, select, exclude, base, environment)
    built = [_narrowed(next(plans(project, each.name, environment, on)), each) for each in found]
    if unset := [problem for one in built for problem in one.unset]:
        raise ConfigError(unset)
    if live:
        _compare(built, format_)
    elif format_ == "json":
        click.echo(
            json.dumps([_as_object(one, step) for one in built for step in one.steps], indent=2)
        )
    else:
        for number, one in enumerate(built):
            click.echo("\n".join(["", *_lines(one, sql)] if number else _lines(one, sql)))


def _narrowed(built: Plan, each: Selected) -> Plan:
    return built if each.relations is None else built.only(each.relations)


def _lines(built: Plan, sql: bool) -> list[str]:
    lines = [f"{built.pipeline.name} in {built.environment_name}, data interval {built.interval}\n"]
    for number, step in enumerate(built.steps, 1):
        lines.append(f"{number:>3}. {step.name}")
        lines += [f"     {line}" for line in _details(built, step, sql)]
    if place := built.environment.report:
        lines.append(f"\nOn Airflow, the task report then publishes the report to {place}.")
    return lines


def _compare(built: Sequence[Plan], format_: str) -> None:
    """Print what every table needs; exit with 1 if a run would refuse a change."""
    from etl_framework.cli.alterations import lines
    from etl_framework.plan.ddl import changes

    table_changes = [change for one in built for change in changes(one)]
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
        "pipeline": built.pipeline.name,
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
