"""Progress of a run on stderr: live on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from etl_framework.plan import Plan
    from etl_framework.runner import StepResult

SIGNS = {"started": "…", "done": "✓", "reused": "=", "failed": "✗", "skipped": "-"}
COLOURS = {"started": "yellow", "done": "green", "reused": "cyan", "failed": "red", "skipped": "dim"}


@contextmanager
def progress(plan: Plan) -> Iterator[Callable[[StepResult], None]]:
    """A function to tell of each step; live when stderr is a terminal."""
    if not sys.stderr.isatty():
        yield _print_line
        return
    from rich.console import Console
    from rich.live import Live

    board = _Board([step.name for step in plan.steps])
    with Live(board, console=Console(stderr=True), refresh_per_second=8):
        yield board.tell


def _print_line(result: StepResult) -> None:
    if result.state == "started":
        return
    seconds = f"{result.seconds:6.2f}s" if result.state in ("done", "failed") else " " * 7
    line = f"{SIGNS[result.state]} {result.step:<24} {seconds}  {describe(result)}"
    click.echo(line.rstrip(), err=True)


def describe(result: StepResult) -> str:
    """What a step did, in a few words."""
    words = [f"{count:,} {name}" for name, count in result.counts.items() if count or name != "rejected"]
    if result.state == "reused":
        words.insert(0, "already done:")
    elif result.state == "skipped":
        words = ["not run, because a step before it failed"]
    elif result.error:
        words = [result.error.diagnostics[0].message]
    return " ".join(words[:1]) + "".join(f", {word}" for word in words[1:]) if len(words) > 1 else "".join(words)


class _Board:
    """All steps of a plan, each with its state; drawn again and again by rich."""

    def __init__(self, steps: list[str]) -> None:
        self._results: dict[str, StepResult | None] = dict.fromkeys(steps)
        self._started: dict[str, float] = {}

    def tell(self, result: StepResult) -> None:
        self._results[result.step] = result
        if result.state == "started":
            self._started[result.step] = time.monotonic()

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name, result in self._results.items():
            if result is None:
                table.add_row(Text("·", style="dim"), Text(name, style="dim"), "", "")
                continue
            seconds = result.seconds
            if result.state == "started":
                seconds = time.monotonic() - self._started[name]
            sign = Text(SIGNS[result.state], style=COLOURS[result.state])
            table.add_row(sign, name, f"{seconds:.2f}s", Text(describe(result)))
        return table
