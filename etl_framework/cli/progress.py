"""Run plans, with their progress on stderr and a summary of every on stdout."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from etl_framework.cli.board import Board, LineBoard, LiveBoard
from etl_framework.cli.document import current
from etl_framework.cli.facts import about, published, run_facts, source_rows
from etl_framework.cli.log import log
from etl_framework.cli.table import text_table

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.run.run import Run, StepResult


def run_all(runs: Iterable[Run]) -> None:
    """Do every run, and stop at the first that fails.

    :raises EtlError: a step failed.
    """
    for run in runs:
        run_one(run)


def run_one(run: Run) -> None:
    """Do a run, and print its summary or add it to the command's document.

    :raises EtlError: a step failed.
    """
    begin(run)
    board: Board = LiveBoard(run.plan) if log().live else LineBoard(run)
    with recorded(run, board.results):
        try:
            run.all_steps(board.tell)
        finally:
            board.close()
            if current() is None:
                _summary(run.plan, board.results)


def begin(run: Run) -> None:
    """Say that a run begins."""
    plan = run.plan
    title = f"{plan.pipeline.name} in {plan.environment_name}, data interval {plan.interval}"
    log().say(title, "run", **about(run), state="started")


@contextmanager
def recorded(run: Run, results: dict[str, StepResult]) -> Iterator[None]:
    """Tell machines how a run has ended, in the log and in the command's document.

    :param results: the newest result of each of its steps.
    """
    from etl_framework.errors import EtlError

    begun, state = time.monotonic(), "stopped"
    try:
        yield
        state = "done"
    except EtlError:
        state = "failed"
        raise
    finally:
        seconds = time.monotonic() - begun
        facts = {**about(run), "state": state, "seconds": round(seconds, 3)}
        facts["published"] = published(run.plan, results)
        log().more(f"run {run.run_id}: {state}, {seconds:.2f}s", "run", **facts)
        document = current()
        if document is not None:
            document.setdefault("runs", []).append(facts | run_facts(run.plan, results))


def _summary(plan: Plan, results: dict[str, StepResult]) -> None:
    """Print what was read, how it was checked and what was published."""
    from etl_framework.run.today import TODAYS_ROWS
    from etl_framework.targets.earlier import EARLIER_ROWS

    sources, checks = source_rows(plan, results), []
    for step in plan.steps:
        step_checks = results[step.name].checks if step.name in results else ()
        checks += [
            (c.relation, c.check, c.status, c.note or f"{c.failing} of {c.rows} ({c.rate:.2%})")
            for c in step_checks
            if c.check not in (EARLIER_ROWS, TODAYS_ROWS)
        ]
    if sources:
        click.echo("\n" + text_table(("source", "read", "kept", "rejected"), sources))
    if checks:
        click.echo("\n" + text_table(("relation", "check", "result", "failing"), checks))
    if done := published(plan, results):
        rows, tables = done["rows"], ", ".join(done["tables"])
        click.echo(f"\npublished {rows:,} row{'' if rows == 1 else 's'} to {tables}")
    tell_lost(results)


def tell_lost(results: dict[str, StepResult]) -> None:
    """Print which tables have lost rows of other data intervals, or keep those of today as past."""
    from etl_framework.run.today import TODAYS_ROWS
    from etl_framework.targets.earlier import EARLIER_ROWS

    for result in results.values():
        for check in result.checks:
            if check.check in (EARLIER_ROWS, TODAYS_ROWS) and current() is None:
                click.echo(f"{check.relation} {check.note}")
