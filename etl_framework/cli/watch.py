"""`etl watch`"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import queries
from etl_framework.cli.options import (
    date_option,
    environment_option,
    project_option,
)
from etl_framework.cli.preview import ROWS
from etl_framework.cli.rows import limit_option

if TYPE_CHECKING:
    from etl_framework.lint.linter import Linter


@click.command()
@click.argument("name", required=False, shell_complete=queries)
@environment_option
@date_option
@limit_option(ROWS)
@click.option("--once", is_flag=True, help="Look once, and end.")
@project_option
def watch(
    name: str | None, environment: str | None, on: object, limit: int | None, once: bool, root: Path
) -> None:
    """Lint and test at each save, and preview a KPI or transform; Ctrl-C ends it.

    All tests run, or those of the KPI or transform alone.

    \b
    etl watch
    etl watch kpis_genre
    """
    given = ["--project", str(root)]
    given += ["--limit", str(limit)] if limit is not None else []
    given += ["--env", environment] if environment else []
    given += ["--date", str(on)] if on else []
    from etl_framework.lint.linter import Linter
    from etl_framework.project.saved import SECONDS, saved

    seen: dict[Path, int] | None = None
    linter = Linter(root, keep=True)
    try:
        while True:
            now = dict(saved(root))
            if now != seen:
                seen = now
                click.clear()
                code = _look(name, given, linter)
                if once:
                    sys.exit(code)
            time.sleep(SECONDS)
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)


def _look(name: str | None, given: list[str], linter: Linter) -> int:
    """Lint, test, then preview; errors are shown once, and never raised.

    :returns: the worst of the exit codes.
    """
    from etl_framework.cli.lint import lint
    from etl_framework.cli.preview import preview
    from etl_framework.cli.test import test

    root, named = ["--project", str(linter.root)], [name] if name else []
    shown = set[str]()
    code = _do(lint, root, shown, linter)
    click.echo()
    code = max(code, _do(test, [*named, *root], shown))
    if name:
        click.echo()
        code = max(code, _do(preview, [name, *given], shown))
    return code


def _do(command: click.Command, given: list[str], shown: set[str], linter: object = None) -> int:
    """Run a command, and return its exit code.

    :param shown: the messages that were printed, to which those of the command are added. Lint has
        shown all problems of files.
    """
    from etl_framework.errors import ConfigError, EtlError, PlanError

    try:
        command.main(given, standalone_mode=False, obj=linter)
    except SystemExit as end:
        return int(end.code or 0)
    except EtlError as error:
        of_files = linter is None and isinstance(error, ConfigError | PlanError)
        for diagnostic in error.diagnostics:
            message = str(diagnostic)
            if message not in shown and not (of_files and diagnostic.path):
                click.echo(message, err=True)
            shown.add(message)
        if of_files and command.name == "test" and all(d.path for d in error.diagnostics):
            return 0  # lint has said so
        return 2 if linter or isinstance(error, ConfigError | PlanError) else 1
    except click.ClickException as error:
        error.show()
        return 2
    return 0
