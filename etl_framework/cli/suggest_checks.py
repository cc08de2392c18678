"""`etl suggest-checks`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.completion import relations
from etl_framework.cli.options import environment_option, project_option


@click.command("suggest-checks")
@click.argument("relation", shell_complete=relations)
@environment_option
@project_option
def suggest_checks(relation: str, environment: str | None, root: Path) -> None:
    """Checks that a relation keeps as it is now, as YAML to paste into its file and edit.

    RELATION is a source, transform or KPI, as `streams` or `music_streaming.streams`; it is looked
    at as its latest run left it in staging. What the file declares already is left out.

    \b
    etl suggest-checks streams
    """
    import yaml

    from etl_framework.project.project import load_project
    from etl_framework.workbench.suggest import suggest

    suggested = suggest(load_project(root), environment, relation)
    click.echo(
        f"# {suggested.rows:,} rows of {suggested.relation}, data interval {suggested.interval}"
    )
    if not suggested.checks:
        click.echo("# nothing to add to the checks that are declared", err=True)
        return
    click.echo("    checks:")
    for suggestion in suggested.checks:
        check = yaml.safe_dump(
            suggestion.check,
            default_flow_style=True,
            sort_keys=False,
            width=10**6,
            allow_unicode=True,
        )
        click.echo(f"      - {check.strip()}  # {suggestion.seen}")
