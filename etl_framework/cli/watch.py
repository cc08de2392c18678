"""`etl watch`"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import queries
from etl_framework.cli.options import (
    date_option,
    environment_option,
    limit_option,
    project_option,
)

if TYPE_CHECKING:
    from etl_framework.errors import EtlError
    from etl_framework.lint.linter import Linter

PARTS = ("pipelines", "sql_templates", "dags", "environments.yml", "setup.cfg")
FUNCTIONS = ("*.py", "[!.]*/*.py")
SECONDS = 0.2


@click.command()
@click.argument("name", required=False, shell_complete=queries)
@environment_option
@date_option
@limit_option(10)
@click.option("--once", is_flag=True, help="Look once, and end.")
@project_option
def watch(
    name: str | None, environment: str | None, on: object, limit: int, once: bool, root: Path
) -> None:
    """Lint at each save, and preview a KPI or transform; Ctrl-C ends it.

    \b
    etl watch
    etl watch kpis_genre
    """
    given = ["--limit", str(limit), "--project", str(root)]
    given += ["--env", environment] if environment else []
    given += ["--date", str(on)] if on else []
    from etl_framework.lint.linter import Linter

    seen: dict[Path, int] | None = None
    linter = Linter(root, keep=True)
    try:
        while True:
            now = dict(_times(root))
            if now != seen:
                seen = now
                click.clear()
                code = _look(name, given, linter)
                if once:
                    sys.exit(code)
            time.sleep(SECONDS)
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)


def _times(root: Path) -> Iterator[tuple[Path, int]]:
    """Return the project's files with the times when they were saved."""
    files = [file for pattern in FUNCTIONS for file in root.glob(pattern)]
    for part in PARTS:
        path = root / part
        files += [path] if path.is_file() else path.rglob("*")
    for file in files:
        try:
            yield file, file.stat().st_mtime_ns
        except OSError:  # gone in between
            continue


def _look(name: str | None, given: list[str], linter: Linter) -> int:
    """Lint, then preview; errors are shown once, and never raised.

    :returns: the worse of the two exit codes.
    """
    from etl_framework.cli.lint import lint
    from etl_framework.cli.preview import preview
    from etl_framework.errors import ConfigError, EtlError, PlanError

    shown, code = set[str](), 0
    try:
        lint.main(["--project", str(linter.root)], standalone_mode=False, obj=linter)
    except SystemExit as end:
        code = int(end.code or 0)
    except EtlError as error:
        shown, code = _show(error, shown), 2
    if not name:
        return code
    click.echo()
    try:
        preview.main([name, *given], standalone_mode=False)
    except (ConfigError, PlanError) as error:
        # Lint has shown the problems of files above.
        _show(
            error, shown | {str(diagnostic) for diagnostic in error.diagnostics if diagnostic.path}
        )
        return 2
    except EtlError as error:
        _show(error, shown)
        return max(code, 1)
    except click.ClickException as error:
        error.show()
        return 2
    return code


def _show(error: EtlError, shown: set[str]) -> set[str]:
    """Print the messages that have not been shown, and return all shown messages."""
    messages = [str(diagnostic) for diagnostic in error.diagnostics]
    for message in messages:
        if message not in shown:
            click.echo(message, err=True)
    return shown | set(messages)
