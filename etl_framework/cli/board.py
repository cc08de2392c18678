"""Show the steps of a run on stderr: live in a terminal, else in lines, or for machines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import click

from etl_framework.cli.facts import about, check_facts, step_facts
from etl_framework.cli.log import log

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


class LineBoard:
    """Tells of every step that has ended and, for who wants to know more, that has started."""

    def __init__(self, run: Run) -> None:
        self.results: dict[str, StepResult] = {}
        self._about = about(run)
        self._width = max(len(step.name) for step in run.plan.steps)

    def tell(self, result: StepResult) -> None:
        self.results[result.step] = result
        name = result.step.ljust(self._width)
        if result.state == "started":
            step = {"step": result.step, "state": result.state}
            log().more(f"{SIGNS['started']} {name.rstrip()}", "step", **self._about, **step)
            return
        seconds = f"{result.seconds:.2f}s" if result.state in ("done", "failed") else ""
        line = f"{SIGNS[result.state]} {name} {seconds:>7}  {in_words(result)}"
        facts = step_facts(result) | {"checks": check_facts(result)}
        log().say(line.rstrip(), "step", **self._about, **facts)

    def close(self) -> None:
        """Do nothing: the printed lines stay."""


class OneLineBoard:
    """Shows in a terminal, in a line that is written over, which step has started last."""

    def __init__(self) -> None:
        self.results: dict[str, StepResult] = {}

    def tell(self, result: StepResult) -> None:
        self.results[result.step] = result
        if log().live and result.state == "started":
            click.echo(f"\r\x1b[2K{SIGNS['started']} {result.step}", nl=False, err=True)

    def close(self) -> None:
        """Do nothing: the next line is written over this one."""


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
