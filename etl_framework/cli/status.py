"""`etl status`"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.options import (
    day,
    environment_option,
    format_option,
    project_option,
)
from etl_framework.cli.selecting import chosen, selecting

if TYPE_CHECKING:
    from etl_framework.run.status import Row, State

SIGNS: dict[State, tuple[str, str]] = {
    "published": ("✓", "green"),
    "warned": ("!", "yellow"),
    "failed": ("✗", "red"),
    "running": ("…", "cyan"),
    "missing": ("·", "red"),
    "late": ("◷", "red"),
    "due": (" ", "white"),
}


@click.command()
@selecting
@environment_option
@click.option(
    "--last",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="How many data intervals, counted from the newest.",
)
@click.option("--to", "until", metavar="D", callback=day, help="The last day; today if not given.")
@project_option
@format_option("text", "json")
def status(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    last: int,
    until: date | None,
    root: Path,
    format_: str,
) -> None:
    """Show which data intervals are published, failed, running, missing or late.

    A row a pipeline, a sign a data interval: those since `start_date`, or since the first that was
    run. SELECTORS are as for `etl ls`; all if none is given. Exit codes: 0 all is well, 1 something
    failed, is missing or late, 2 could not look.

    \b
    etl status
    etl status music_daily --last 7 --to 2024-07-01
    """
    from etl_framework.errors import RetryableError
    from etl_framework.project.project import load_project
    from etl_framework.run.status import BAD
    from etl_framework.run.status import status as status_of

    project = load_project(root)
    try:
        found = chosen(project, selectors, select, exclude, base, environment, kinds=())
        rows = [status_of(project, environment, each.model, last, until) for each in found]
    except RetryableError as error:  # 1 would say that an interval is missing
        for diagnostic in error.diagnostics:
            click.echo(str(diagnostic), err=True)
        sys.exit(2)
    if format_ == "json":
        click.echo(json.dumps([_as_object(row) for row in rows], indent=2))
    else:
        for line in _lines(rows):
            click.echo(line)
    sys.exit(1 if any(row.of(*BAD) for row in rows) else 0)


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    width = max((len(row.pipeline) for row in rows), default=0)
    seen = set[str]()
    for row in rows:
        seen.update(cell.state for cell in row.cells)
        if not row.cells:
            yield f"{row.pipeline:{width}}  no data interval was run, and none is expected"
            continue
        signs = "".join(click.style(SIGNS[c.state][0], SIGNS[c.state][1]) for c in row.cells)
        first, last = row.cells[0].interval, row.cells[-1].interval
        days = first.date if first.key == last.key else f"{first.date} to {last.date}"
        yield f"{row.pipeline:{width}}  {signs}  {days}"
    legend = [f"{SIGNS[state][0]} {state}" for state in SIGNS if state in seen and state != "due"]
    if legend:
        yield "  ".join(("", *legend))
    for row in rows:
        yield from _problems(row)


def _problems(row: Row) -> Iterator[str]:
    for cell in row.of("failed"):
        yield f"{row.pipeline} {cell.label} failed: {cell.note}"
    for state in ("missing", "late"):
        if cells := row.of(state):
            some = ", ".join(cell.label for cell in cells[:3])
            more = f" and {len(cells) - 3} more" if len(cells) > 3 else ""
            yield f"{row.pipeline} {state}: {some}{more}"
    if cells := row.of("failed", "missing", "late"):
        first, last = cells[0].interval.date, cells[-1].interval.date
        yield f"  etl run {row.pipeline} --missing --from {first} --to {last}"


def _as_object(row: Row) -> dict[str, Any]:
    return {
        "pipeline": row.pipeline,
        "intervals": [
            {
                "start": cell.interval.start.isoformat(),
                "end": cell.interval.end.isoformat(),
                "state": cell.state,
                "run": cell.run.last.run if cell.run else None,
                "error": cell.note or None,
            }
            for cell in row.cells
        ],
    }
