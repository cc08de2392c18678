"""`etl watch`"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completing import queries
from etl_framework.cli.options import date_option, environment_option, project_option

if TYPE_CHECKING:
    from etl_framework.errors import EtlError

PARTS = ("pipelines", "sql_templates", "dags", "environments.yml", "setup.cfg")
FUNCTIONS = ("*.py", "[!.]*/*.py")
SECONDS = 0.2


@click.command()
@click.argument("name", required=False, shell_complete=queries)
@environment_option
@date_option
@click.option("--limit", default=10, show_default=True, help="Rows at the most; 0 for all.")
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
    seen: dict[Path, int] = {}
    try:
        while True:
            now = dict(_times(root))
            if now != seen:
                seen = now
                click.clear()
                _look(name, given, root)
                if once:
                    return
            time.sleep(SECONDS)
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)


def _times(root: Path) -> Iterator[tuple[Path, int]]:
    """The project's files and when each was saved."""
    files = [file for pattern in FUNCTIONS for file in root.glob(pattern)]
    for part in PARTS:
        path = root / part
        files += [path] if path.is_file() else path.rglob("*")
    for file in files:
        try:
            yield file, file.stat().st_mtime_ns
        except OSError:  # gone in between
            continue


def _look(name: str | None, given: list[str], root: Path) -> None:
    """Lint, then preview; whatever is wrong is shown once, and never raised."""
    from etl_framework.cli.lint import lint
    from etl_framework.cli.preview import preview
    from etl_framework.errors import ConfigError, EtlError, PlanError

    told: set[str] = set()
    try:
        lint.main(["--project", str(root)], standalone_mode=False)
    except SystemExit:
        pass
    except EtlError as error:
        told = _show(error, told)
    if not name:
        return
    click.echo()
    try:
        preview.main([name, *given], standalone_mode=False)
    except (ConfigError, PlanError) as error:
        # What is wrong with the files is said above.
        _show(error, told | {str(each) for each in error.diagnostics if each.path})
    except EtlError as error:
        _show(error, told)
    except click.ClickException as error:
        error.show()


def _show(error: EtlError, told: set[str]) -> set[str]:
    """Say what has not been said."""
    found = [str(each) for each in error.diagnostics]
    for each in found:
        if each not in told:
            click.echo(each, err=True)
    return told | set(found)
