"""`etl diff`"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.options import (
    date_option,
    environment_option,
    format_option,
    project_option,
)
from etl_framework.cli.selecting import chosen, selecting

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.workbench.diff import KpiDifference


@click.command()
@selecting
@environment_option
@date_option
@click.option("--examples", is_flag=True, help="Over the rows of `tests:`; no source is read.")
@project_option
@format_option("markdown", "json")
def diff(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    on: date | None,
    examples: bool,
    root: Path,
    format_: str,
) -> None:
    """Show what a change since --base does to the KPIs, as a card for its review.

    SELECTORS are pipelines and KPIs, as for `etl ls`; everything if none is given.
    The old and the new SQL run over the same sources: those that the latest run left in staging,
    else read anew. A KPI is touched by a change of what it reads, too. No target changes.
    Exit codes: 0 compared, 1 something could not be, 2 the files are wrong as they are now.

    \b
    etl diff --base origin/main
    etl diff --base origin/main --date 2024-06-25
    """
    from etl_framework.project.git import at_revision, short_name
    from etl_framework.project.project import load_project

    project = load_project(root)
    commit = short_name(root, base)
    with at_revision(root, base) as folder:
        was = load_project(folder) if (folder / "pipelines").is_dir() else None
        parts = _parts(project, was, selectors, select, exclude, base, environment)
        changes = list(_all(project, was, parts, environment, on, examples))
    if format_ == "json":
        click.echo(
            json.dumps([asdict(difference) for difference in changes], indent=2, default=str)
        )
    else:
        since = f"`{base}` ({commit})" if base != commit else f"`{base}`"
        click.echo("\n".join(_card(changes, since)))
    sys.exit(1 if any(difference.problem for difference in changes) else 0)


def _all(
    project: Project,
    was: Project | None,
    parts: Mapping[str, Collection[str] | None],
    environment: str | None,
    on: date | None,
    examples: bool,
) -> Iterator[KpiDifference]:
    """Return the differences of every chosen pipeline, or of some of its KPIs.

    :raises ConfigError: the files have errors as they are now.
    """
    from etl_framework.errors import ConfigError
    from etl_framework.lint.linter import Linter
    from etl_framework.workbench.diff import differences

    if errors := Linter(project.root).errors():
        raise ConfigError(errors)
    for name, only in parts.items():
        yield from differences(project, was, environment, name, on, only, examples=examples)


def _parts(
    project: Project,
    was: Project | None,
    selectors: Sequence[str],
    select: Sequence[str],
    exclude: Sequence[str],
    base: str,
    environment: str | None,
) -> dict[str, Collection[str] | None]:
    """The pipelines that are selected, with those of the base that are gone."""
    here = {pipeline_file.stem for pipeline_file in project.pipelines}
    gone = [f.stem for f in (was.pipelines if was else ()) if f.stem not in here]
    left = [selector for selector in selectors if selector not in gone]
    parts = dict[str, "Collection[str] | None"]()
    if left or not selectors:
        found = chosen(project, left, select, exclude, base, environment)
        parts = {each.name: each.relations for each in found}
    everything = not selectors and not select
    return parts | dict.fromkeys(gone if everything else (n for n in gone if n in selectors))


def _card(changes: Sequence[KpiDifference], base: str) -> Iterator[str]:
    yield f"## {len(changes) or 'No'} KPI{'' if len(changes) == 1 else 's'} changed since {base}"
    for difference in changes:
        yield f"\n### {difference.pipeline}.{difference.kpi}: {_title(difference)}\n"
        waiting = "".join(f", and `{name}`, which waits for it" for name in difference.waiting)
        changed = f" Changed: {_code(difference.why)}."
        changed = "" if difference.why in ("new", "removed") or difference.problem else changed
        yield f"Target `{difference.target}`; DAGs: `{difference.pipeline}`{waiting}.{changed}"
        if difference.contract:
            yield f"\nColumns: {'; '.join(f'`{change}`' for change in difference.contract)}"
        if difference.first:
            yield from _table(difference.first[0], difference.first[1:])
        if difference.columns:
            rows = [(c.name, c.what, c.before, c.after, c.rows) for c in difference.columns]
            yield from _table(("column", "", "before", "after", "rows changed"), rows)
        if difference.largest:
            yield "\nLargest movements"
            yield from _table(("key", "column", "before", "after", "by"), difference.largest)


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _title(difference: KpiDifference) -> str:
    if difference.problem:
        return f"could not be compared: {_cell(difference.problem)}"
    counts = difference.counts
    if difference.why in ("new", "removed"):
        rows = counts["after"] or counts["before"]
        return f"{difference.why}, {rows:,} row{'' if rows == 1 else 's'}"
    parts = [f"{counts[name]:,} {name}" for name in ("added", "removed", "changed") if counts[name]]
    return (
        f"{', '.join(parts) or 'the same rows'} ({counts['before']:,} → {counts['after']:,} rows)"
    )


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(_cell(name) for name in names)} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"


def _cell(value: Any) -> str:
    """Return a value as text that Markdown shows as it is."""
    if value is None:
        return ""
    text = f"{value:+.6g}" if isinstance(value, float) else str(value)
    text = re.sub(r"([\\|`*<>\[\]#~])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
