"""`etl suggest-checks`"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.completion import relations
from etl_framework.cli.document import document
from etl_framework.cli.options import environment_option, format_option, project_option

if TYPE_CHECKING:
    from etl_framework.workbench.backtest import Backtest, Tried
    from etl_framework.workbench.suggest import Suggestions

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
@format_option("text", "json")
def suggest_checks(
    relation: str, history: bool, environment: str | None, root: Path, format_: str
) -> None:
    """Checks that a relation keeps as it is now, as YAML to paste into its file and edit.

    RELATION is a source, transform or KPI, as `streams` or `music_streaming.streams`; it is looked
    at as its latest run left it in staging. What the file declares already is left out. With
    --from-history all its runs in staging are looked at, and each number is judged by those before.

    \b
    etl suggest-checks streams
    etl suggest-checks listeners_daily --from-history
    """
    from etl_framework.project.project import load_project
    from etl_framework.workbench.backtest import backtest
    from etl_framework.workbench.suggest import suggest

    with document(format_, relation=relation) as facts:
        project = load_project(root)
        if history:
            tried = backtest(project, environment, relation)
            facts |= _tried_facts(tried)
        else:
            suggested = suggest(project, environment, relation)
            facts |= _facts(suggested)
    if format_ == "text":
        _print_tried(tried) if history else _print(suggested)


def _print(suggested: Suggestions) -> None:
    """Print checks as a pipeline's file has them."""
    click.echo(
        f"# {suggested.rows:,} rows of {suggested.relation}, data interval {suggested.interval}"
    )
    if not suggested.checks:
        click.echo("# nothing to add to the checks that are declared", err=True)
        return
    click.echo("    checks:")
    for suggestion in suggested.checks:
        click.echo(f"      - {_written(suggestion.check)}  # {suggestion.seen}")


def _facts(suggested: Suggestions) -> dict[str, Any]:
    """What `--format json` prints of suggestions."""
    return {
        "relation": suggested.relation,
        "interval_start": suggested.interval.start.isoformat(),
        "interval_end": suggested.interval.end.isoformat(),
        "rows": suggested.rows,
        "checks": [{"check": dict(each.check), "seen": each.seen} for each in suggested.checks],
    }


def _print_tried(tried: Backtest) -> None:
    """Print checks over time, with what they would have said."""
    first, last = tried.intervals[0], tried.intervals[-1]
    count = f"{len(tried.intervals):,} data intervals"
    click.echo(f"# {count} of {tried.relation}, {first.date} to {last.date}")
    click.echo("    checks:")
    for rule in _best_first(tried):
        off = "# too often: " if rule.often else ""
        days = ", ".join(interval.date for interval in rule.spoke[:DAYS])
        more = ", …" if len(rule.spoke) > DAYS else ""
        told = f"would have spoken {len(rule.spoke):,} of {rule.judged:,} times"
        told += f": {days}{more}" if days else ""
        click.echo(f"      {off}- {_written(rule.check)}  # {told}")


def _tried_facts(tried: Backtest) -> dict[str, Any]:
    """What `--format json` prints of checks over time."""
    return {
        "relation": tried.relation,
        "intervals": [interval.start.isoformat() for interval in tried.intervals],
        "checks": [
            {
                "check": dict(rule.check), "judged": rule.judged, "often": rule.often,
                "spoke": [interval.start.isoformat() for interval in rule.spoke],
            }
            for rule in _best_first(tried)
        ],
    }  # fmt: skip


def _best_first(tried: Backtest) -> list[Tried]:
    return sorted(tried.rules, key=lambda rule: (rule.often, len(rule.spoke)))


def _written(check: Mapping[str, Any]) -> str:
    """A check as a pipeline's file has it, in one line."""
    import yaml

    text = yaml.safe_dump(
        dict(check), default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text.strip()
