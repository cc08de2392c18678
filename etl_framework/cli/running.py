"""Run plans one after another, with progress on stderr and a summary of each on stdout."""

from __future__ import annotations

from collections.abc import Iterable

import click

from etl_framework.cli.progress import board_for
from etl_framework.cli.table import text_table
from etl_framework.plan.plan import Plan
from etl_framework.run.run import Run, StepResult


def run_plans(plans: Iterable[Plan], *, fresh: bool = False) -> None:
    """Run each plan, and stop at the first that fails.

    :raises EtlError: a step failed.
    """
    for plan in plans:
        title = f"{plan.pipeline.name} in {plan.environment_name}, data interval {plan.interval}"
        click.echo(title, err=True)
        board = board_for(plan)
        try:
            Run(plan, fresh=fresh).all_steps(board.tell)
        finally:
            board.close()
            _summary(plan, board.results)


def _summary(plan: Plan, results: dict[str, StepResult]) -> None:
    """Print what was read, how it was checked and what was published."""
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
        step_checks = results[step.name].checks if step.name in results else ()
        checks += [
            (c.relation, c.check, c.status, c.note or f"{c.failing} of {c.rows} ({c.rate:.2%})")
            for c in step_checks
        ]
    if sources:
        click.echo("\n" + text_table(("source", "read", "kept", "rejected"), sources))
    if checks:
        click.echo("\n" + text_table(("relation", "check", "result", "failing"), checks))
    published = results.get("publish")
    if published and published.state == "done":
        targets = ", ".join(kpi.target.table for kpi in plan.pipeline.kpis.values())
        click.echo(f"\npublished {published.counts['rows']:,} rows to {targets}")
