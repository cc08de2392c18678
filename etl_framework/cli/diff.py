"""`etl diff`"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.options import environment_option, format_option, project_option

if TYPE_CHECKING:
    from etl_framework.config.project import Project
    from etl_framework.differing import KpiDifference


@click.command()
@click.argument("pipelines", nargs=-1)
@click.option("--base", metavar="REV", default="HEAD", show_default=True, help="As it was.")
@environment_option
@project_option
@format_option("markdown", "json")
def diff(
    pipelines: tuple[str, ...], base: str, environment: str | None, root: Path, format_: str
) -> None:
    """Show what a change does to the KPIs, as a card for its review.

    The old and the new SQL run over the sources that the latest run left in staging; a KPI is
    touched by a change of what it reads, too. Nothing is stored.

    \b
    etl diff --base origin/main
    """
    from etl_framework.config.project import load_project
    from etl_framework.revision import at_revision, short_name

    project = load_project(root)
    commit = short_name(root, base)
    with at_revision(root, base) as folder:
        found = list(_all(project, load_project(folder), environment, pipelines))
    if format_ == "json":
        click.echo(json.dumps([asdict(each) for each in found], indent=2, default=str))
        return
    click.echo("\n".join(_card(found, f"`{base}` ({commit})" if base != commit else f"`{base}`")))


def _all(
    project: Project, base: Project, environment: str | None, names: Sequence[str]
) -> Iterator[KpiDifference]:
    """:raises ConfigError: something is wrong with the files as they are now."""
    from etl_framework.differing import differences
    from etl_framework.errors import ConfigError
    from etl_framework.lint.linter import lint

    problems = [each for each in lint(project, names) if each.severity == "error"]
    if problems:
        raise ConfigError(problems)
    chosen = [project.pipeline(name) for name in names] or project.pipelines
    for found in chosen:
        if found.model:
            yield from differences(project, base, environment, found.model.name)


def _card(found: Sequence[KpiDifference], base: str) -> Iterator[str]:
    yield f"## {len(found) or 'No'} KPI{'' if len(found) == 1 else 's'} changed since {base}"
    for each in found:
        yield f"\n### {each.pipeline}.{each.kpi}: {_title(each)}\n"
        waiting = ", ".join(f"`{name}`" for name in each.waiting)
        also = f"also affected: {waiting}" if waiting else "no other pipeline waits for it"
        changed = f" Changed: `{each.why}`." if each.why not in ("new", "removed") else ""
        yield f"Target `{each.target}`; {also}.{changed}"
        if each.columns:
            rows = [(c.name, c.what, c.before, c.after, c.rows) for c in each.columns]
            yield from _table(("column", "", "before", "after", "rows changed"), rows)
        if each.largest:
            yield "\nLargest movements"
            yield from _table(("key", "column", "before", "after", "by"), each.largest)


def _title(each: KpiDifference) -> str:
    if each.problem:
        return f"could not be compared: {each.problem}"
    counts = each.counts
    if each.why in ("new", "removed"):
        return f"{each.why}, {counts['after'] or counts['before']} rows"
    parts = [f"{counts[name]} {name}" for name in ("added", "removed", "changed") if counts[name]]
    return f"{', '.join(parts) or 'the same rows'} ({counts['before']} → {counts['after']} rows)"


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(names)} |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:+.6g}" if isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|")
