"""`etl quarantine`"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.completion import sources
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    project_option,
)
from etl_framework.cli.protection import refuse_protected, yes_option
from etl_framework.cli.rows import limit_option, most, one_more, print_rows

if TYPE_CHECKING:
    from etl_framework.quarantine.rows import Selection

ROWS = 20
SHOWN = ("id", "rule", "file", "line", "column", "name", "key", "reason", "row", "state")


@click.group()
def quarantine() -> None:
    """Rows that were taken out: look at them, correct them, send them again, or drop them.

    \b
    etl quarantine list
    etl quarantine show streams --rule parse
    etl quarantine show streams --values --format csv > fix.csv
    etl quarantine replay streams --with fix.csv
    """


def _selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose rejected rows; the command gets them as one `selection`."""

    @date_option
    @click.option("--rule", help="Only rows that broke this rule; `parse` for those not readable.")
    @click.option(
        "--id", "ids", multiple=True, metavar="ID", help="Only this row; may be repeated."
    )
    @wraps(command)
    def selecting(*, on: date | None, rule: str | None, ids: tuple[str, ...], **rest: Any) -> Any:
        from etl_framework.quarantine.rows import Selection

        return command(selection=Selection(on, rule, ids), **rest)

    return selecting


@quarantine.command("list")
@click.argument("source", required=False, shell_complete=sources)
@environment_option
@project_option
@format_option("table", "csv", "json")
def list_(source: str | None, environment: str | None, root: Path, format_: str) -> None:
    """How many rows of each source broke which rule, in each data interval."""
    from etl_framework.cli.table import FORMATS
    from etl_framework.project.project import load_project
    from etl_framework.quarantine.rows import CORRECTED, DROPPED, OPEN, Quarantine, with_rejects

    project = load_project(root)
    names = [source] if source else with_rejects(project)
    rows = []
    for name in names:
        rejected = Quarantine(project, environment, name)
        for interval, rule, states in rejected.counts():
            counts = (states[OPEN], states[CORRECTED], states[DROPPED])
            rows.append((rejected.pipeline.name, str(interval), rejected.relation, rule, *counts))
    columns = ("pipeline", "interval", "source", "rule", OPEN, CORRECTED, DROPPED)
    click.echo(FORMATS[format_](columns, rows))


@quarantine.command()
@click.argument("source", shell_complete=sources)
@_selecting
@click.option("--values", is_flag=True, help="A column for each of the source's, to correct them.")
@click.option("--reveal", is_flag=True, help="Show values of sensitive columns too.")
@limit_option(ROWS)
@environment_option
@project_option
@format_option("table", "csv", "json")
def show(
    source: str,
    selection: Selection,
    values: bool,
    reveal: bool,
    limit: int | None,
    environment: str | None,
    root: Path,
    format_: str,
) -> None:
    """Rejected rows of a source: which rule each broke and why, where it stood, how it came."""
    from etl_framework.project.project import load_project
    from etl_framework.quarantine.correct import listing
    from etl_framework.quarantine.rows import Quarantine

    rejected = Quarantine(load_project(root), environment, source)
    wanted = most(limit, format_, ROWS)
    rows = list(islice(rejected.rows(selection, reveal=reveal), one_more(wanted) or None))
    if values:
        print_rows(*listing(rows, rejected.columns), format_, wanted)
        return
    shown = [(str(row.interval), *(getattr(row, name) for name in SHOWN)) for row in rows]
    print_rows(("interval", *SHOWN), shown, format_, wanted)


@quarantine.command()
@click.argument("source", shell_complete=sources)
@_selecting
@click.option(
    "--with",
    "corrections",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file of corrected rows, as `etl quarantine show --values` writes it.",
)
@environment_option
@yes_option
@project_option
@log_options
def replay(
    source: str,
    selection: Selection,
    corrections: Path | None,
    environment: str | None,
    yes: bool,
    root: Path,
) -> None:
    """Run the data intervals of rejected rows again, with corrected rows in their place.

    Rows that are valid now (a track that arrived later) need no correction. The intervals are
    computed anew and their rows in the targets replaced, so doing it twice changes nothing more. A
    replay that was stopped goes on where it was, by the same command.
    """
    from etl_framework.cli.replays import Replay
    from etl_framework.project.project import load_project

    project = load_project(root)
    refuse_protected(project, environment, yes=yes)
    Replay(project, environment, source, selection).run(corrections)


@quarantine.command()
@click.argument("source", shell_complete=sources)
@_selecting
@click.option("--all", "everything", is_flag=True, help="Every rejected row of the source.")
@environment_option
@project_option
def drop(
    source: str, selection: Selection, everything: bool, environment: str | None, root: Path
) -> None:
    """Decide that rejected rows are not wanted: they stay out, and are no longer open."""
    from dataclasses import replace

    from etl_framework.project.project import load_project
    from etl_framework.quarantine.rows import CORRECTED, OPEN, Quarantine
    from etl_framework.storage.decisions import Decision

    if not (everything or selection.on or selection.rule or selection.ids):
        raise click.UsageError("say which: --id, --rule, --date, or --all")
    rejected = Quarantine(load_project(root), environment, source)
    made: dict[Any, dict[str, Decision]] = {}
    for row in rejected.rows(replace(selection, states=(OPEN, CORRECTED))):
        made.setdefault(row.interval, {})[row.id] = Decision(row.rule)
    rejected.decide(made)
    count = sum(map(len, made.values()))
    log().say(f"{count:,} rejected rows of {rejected.relation} dropped")
