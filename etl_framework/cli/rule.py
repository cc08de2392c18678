"""`etl rule`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.completion import rule_codes
from etl_framework.cli.options import project_option


@click.command()
@click.argument("code", required=False, shell_complete=rule_codes)
@project_option
def rule(code: str | None, root: Path) -> None:
    """Explain a finding of lint: what it means, why it matters, a wrong and a right example.

    CODE is a rule's, as lint prints it, or the beginning of several: they get a line each, and so
    do all if none is given. Rules that the project's settings name are among them. A code of a
    run, such as R310, says what kind of error it is.

    \b
    etl rule W402
    etl rule E4
    """
    from etl_framework.lint.inspector import rules
    from etl_framework.lint.pages import codes, page
    from etl_framework.lint.settings import load_settings

    rules()
    load_settings(root)
    several = [known_code for known_code in codes() if known_code.startswith((code or "").upper())]
    if code and (code.upper() in several or not several):
        click.echo(page(code.upper()), nl=False)
        return
    for rule_code in several:
        click.echo(page(rule_code).splitlines()[0].lstrip("# ").replace(":", " ", 1))
