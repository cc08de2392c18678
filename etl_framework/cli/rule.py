"""`etl rule`"""

from __future__ import annotations

import click

from etl_framework.cli.completing import rule_codes


@click.command()
@click.argument("code", required=False, shell_complete=rule_codes)
def rule(code: str | None) -> None:
    """Explain a finding of lint: what it means, why it matters, a wrong and a right example.

    CODE is a rule's, as lint prints it; all rules with a line each if not given.

    \b
    etl rule W402
    """
    from etl_framework.lint.linter import rules
    from etl_framework.lint.pages import codes, page

    rules()
    if code:
        click.echo(page(code.upper()), nl=False)
        return
    for each in codes():
        click.echo(page(each).splitlines()[0].lstrip("# ").replace(":", " ", 1))
