"""`etl run`"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.options import (
    date_option,
    day,
    environment_option,
    plans,
    project_option,
)

if TYPE_CHECKING:
    from etl_framework.plan import Plan
    from etl_framework.runner import StepResult


@click.command()
@click.argument("pipeline")
@environment_option
@date_option
@click.option("--from", "first", metavar="A", callback=day, help="Backfill: the first day,")
@click.option("--to", "last", metavar="B", callback=day, help="and the last one, included.")
@click.option("--fresh", is_flag=True, help="Do every step again, even where its output is there.")
@project_option
def run(
    pipeline: str,
    environment: str | None,
    on: date | None,
    first: date | None,
    last: date | None,
    fresh: bool,
    root: Path,
) -> None:
    """Run a pipeline for one data interval, or for each of several.

    Without a date it is the latest complete interval. A step whose finished output is still true is
    not done again. Nothing is published unless every check of severity error passes.

    \b
    etl run music_streaming
    etl run music_streaming --date 2024-06-25
    etl run music_streaming --from 2024-06-25 --to 2024-07-01
    """
    from etl_framework.cli.progress import board_for
    from etl_framework.config.project import load_project
    from etl_framework.runner import Run

    for plan in plans(load_project(root), pipeline, environment, on, first, last):
        title = f"{plan.pipeline.name} in {plan.environment_name}, data interval {plan.interval}"
        click.echo(title, err=True)
        board = board_for(plan)
        try:
            Run(plan, fresh=fresh).all_steps(board.tell)
        finally:
            board.close()
            _summary(plan, board.results)


def _summary(plan: Plan, results: dict[str, StepResult]) -> None:
    """What came in, how it was checked, what went out."""
    from etl_framework.cli.table import text_table

    sources, checks = [], []
    for name in plan.pipeline.sources:
        extracted = results.get(f"extract.{name}")
        if extracted is None or "read" not in extracted.counts:
            continue
        checked = results.get(f"check.{name}")
        taken_out = checked.counts.get("quarantined", 0) if checked else 0
        read, rejected = extracted.counts["read"], extracted.counts["rejected"] + taken_out
        sources.append((name, read, read - rejected, rejected))
    for step in plan.steps:
        found = results[step.name].checks if step.name in results else ()
        checks += [
            (c.relation, c.check, c.status, c.note or f"{c.failing} of {c.rows} ({c.rate:.2%})")
            for c in found
        ]
    if sources:
        click.echo("\n" + text_table(("source", "read", "kept", "rejected"), sources))
    if checks:
        click.echo("\n" + text_table(("relation", "check", "result", "failing"), checks))
    published = results.get("publish")
    if published and published.state == "done":
        targets = ", ".join(kpi.target.table for kpi in plan.pipeline.kpis.values())
        click.echo(f"\npublished {published.counts['rows']:,} rows to {targets}")
