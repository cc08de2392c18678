"""`etl suggest-checks`"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.completion import relations
from etl_framework.cli.options import environment_option, project_option

if TYPE_CHECKING:
    from etl_framework.project.project import Project

# How many days are named for each rule.
DAYS = 5


@click.command("suggest-checks")
@click.argument("relation", shell_complete=relations)
@click.option(
    "--from-history",
    "history",
    is_flag=True,
    help="Try checks against its own past: how often would each have spoken?",
)
@environment_option
@project_option
def suggest_checks(relation: str, history: bool, environment: str | None, root: Path) -> None:
    """Checks that a relation keeps as it is now, as YAML to paste into its file and edit.

    RELATION is a source, transform or KPI, as `streams` or `music_streaming.streams`; it is looked
    at as its latest run left it in staging. What the file declares already is left out. With
    --from-history all its runs in staging are looked at, and each number is judged by those before.

    \b
    etl suggest-checks streams
    etl suggest-checks listeners_daily --from-history
    """
    from etl_framework.project.project import load_project
    from etl_framework.workbench.suggest import suggest

    if history:
        _from_history(load_project(root), environment, relation)
        return
    suggested = suggest(load_project(root), environment, relation)
    click.echo(
        f"# {suggested.rows:,} rows of {suggested.relation}, data interval {suggested.interval}"
    )
    if not suggested.checks:
        click.echo("# nothing to add to the checks that are declared", err=True)
        return
    click.echo("    checks:")
    for suggestion in suggested.checks:
        click.echo(f"      - {_written(suggestion.check)}  # {suggestion.seen}")


def _from_history(project: Project, environment: str | None, relation: str) -> None:
    """Print checks over time, with what they would have said."""
    from etl_framework.workbench.backtest import backtest

    tried = backtest(project, environment, relation)
    first, last = tried.intervals[0], tried.intervals[-1]
    count = f"{len(tried.intervals):,} data intervals"
    click.echo(f"# {count} of {tried.relation}, {first.date} to {last.date}")
    click.echo("    checks:")
    for rule in sorted(tried.rules, key=lambda rule: (rule.often, len(rule.spoke))):
        off = "# too often: " if rule.often else ""
        days = ", ".join(interval.date for interval in rule.spoke[:DAYS])
        more = ", …" if len(rule.spoke) > DAYS else ""
        told = f"would have spoken {len(rule.spoke):,} of {rule.judged:,} times"
        told += f": {days}{more}" if days else ""
        click.echo(f"      {off}- {_written(rule.check)}  # {told}")


def _written(check: Mapping[str, Any]) -> str:
    """A check as a pipeline's file has it, in one line."""
    import yaml

    text = yaml.safe_dump(
        dict(check), default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text.strip()
