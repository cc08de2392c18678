"""Run plans, with their progress on stderr, live or as lines, and a summary of every on stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import click

from etl_framework.cli.table import text_table

if TYPE_CHECKING:
    from rich.table import Table

    from etl_framework.plan.plan import Plan
    from etl_framework.run.run import Run, StepResult

SIGNS = {"started": "…", "done": "✓", "reused": "=", "failed": "✗", "skipped": "-"}
PLURALS = ("rows", "targets")
COLOURS = {
    "started": "yellow",
    "done": "green",
    "reused": "cyan",
    "failed": "red",
    "skipped": "dim",
}


class Board(Protocol):
    """Shows a run while it runs, and keeps the newest result of every step."""

    results: dict[str, StepResult]

    def tell(self, result: StepResult) -> None:
        """Show that a step has started or ended."""

    def close(self) -> None:
        """End the display; no result follows."""


def board_for(plan: Plan) -> Board:
    """A live board if stderr is a terminal, else a board of lines."""
    return LiveBoard(plan) if sys.stderr.isatty() else LineBoard(plan)


class LineBoard:
    """Prints a line for every step that has ended."""

    def __init__(self, plan: Plan) -> None:
        self.results: dict[str, StepResult] = {}
        self._width = max(len(step.name) for step in plan.steps)

    def tell(self, result: StepResult) -> None:
        self.results[result.step] = result
        if result.state != "started":
            done = result.state in ("done", "failed")
            seconds = f"{result.seconds:.2f}s" if done else ""
            name = result.step.ljust(self._width)
            line = f"{SIGNS[result.state]} {name} {seconds:>7}  {in_words(result)}"
            click.echo(line.rstrip(), err=True)

    def close(self) -> None:
        """Do nothing: the printed lines stay."""


class LiveBoard:
    """Shows all steps of a plan with their states; rich draws them again and again."""

    def __init__(self, plan: Plan) -> None:
        from rich.console import Console
        from rich.live import Live

        self.results: dict[str, StepResult] = {}
        self._steps = [step.name for step in plan.steps]
        self._started: dict[str, float] = {}
        self._live = Live(self, console=Console(stderr=True), refresh_per_second=8)
        self._live.start()

    def tell(self, result: StepResult) -> None:
        self.results[result.step] = result
        self._started.setdefault(result.step, time.monotonic())

    def close(self) -> None:
        self._live.stop()

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name in self._steps:
            result = self.results.get(name)
            if result is None:
                table.add_row(Text("·", style="dim"), Text(name, style="dim"), "", "")
                continue
            seconds = result.seconds
            if result.state == "started":
                seconds = time.monotonic() - self._started[name]
            sign = Text(SIGNS[result.state], style=COLOURS[result.state])
            table.add_row(sign, Text(name), f"{seconds:.2f}s", Text(in_words(result)))
        return table


def in_words(result: StepResult) -> str:
    """What a step did: `200,000 read, 599 rejected`; of counts that are 0, only rows are shown."""
    if result.error:
        return result.error.diagnostics[0].message
    if result.state == "skipped":
        return "not run, because a step before it failed"
    counts = [
        f"{count:,} {name[:-1] if count == 1 and name in PLURALS else name}"
        for name, count in result.counts.items()
        if count or name == "rows"
    ]
    done = "already done" if result.state == "reused" else result.note
    return ": ".join(part for part in (done, ", ".join(counts)) if part)


def run_all(runs: Iterable[Run]) -> None:
    """Do every run, and stop at the first that fails.

    :raises EtlError: a step failed.
    """
    for run in runs:
        run_one(run)


def run_one(run: Run) -> None:
    """Do a run.

    :raises EtlError: a step failed.
    """
    plan = run.plan
    title = f"{plan.pipeline.name} in {plan.environment_name}, data interval {plan.interval}"
    click.echo(title, err=True)
    board = board_for(plan)
    try:
        run.all_steps(board.tell)
    finally:
        board.close()
        _summary(plan, board.results)


def source_rows(plan: Plan, results: dict[str, StepResult]) -> list[tuple[str, int, int, int]]:
    """How many rows of each source were read, kept and rejected."""
    sources = []
    for name in plan.pipeline.sources:
        extracted = results.get(f"extract.{name}")
        if extracted is None or "read" not in extracted.counts:
            continue
        checked = results.get(f"check.{name}")
        taken_out = checked.counts.get("quarantined", 0) if checked else 0
        read, rejected = extracted.counts["read"], extracted.counts["rejected"] + taken_out
        sources.append((name, read, read - rejected, rejected))
    return sources


def _summary(plan: Plan, results: dict[str, StepResult]) -> None:
    """Print what was read, how it was checked and what was published."""
    from etl_framework.targets.earlier import EARLIER_ROWS

    sources, checks = source_rows(plan, results), []
    for step in plan.steps:
        step_checks = results[step.name].checks if step.name in results else ()
        checks += [
            (c.relation, c.check, c.status, c.note or f"{c.failing} of {c.rows} ({c.rate:.2%})")
            for c in step_checks
            if c.check != EARLIER_ROWS
        ]
    if sources:
        click.echo("\n" + text_table(("source", "read", "kept", "rejected"), sources))
    if checks:
        click.echo("\n" + text_table(("relation", "check", "result", "failing"), checks))
    published = results.get("publish")
    if published and published.state == "done":
        ended = {name for name, result in results.items() if result.state in ("done", "reused")}
        names = [name for name, made in plan.step("publish").inputs if made in ended]
        targets = ", ".join(plan.pipeline.kpis[name].target.table for name in names)
        rows = published.counts["rows"]
        click.echo(f"\npublished {rows:,} row{'' if rows == 1 else 's'} to {targets}")
    tell_lost(results)


def tell_lost(results: dict[str, StepResult]) -> None:
    """Print which tables have lost rows of other data intervals, and what loads them again."""
    from etl_framework.targets.earlier import EARLIER_ROWS

    for result in results.values():
        for check in result.checks:
            if check.check == EARLIER_ROWS:
                click.echo(f"{check.relation} {check.note}")
