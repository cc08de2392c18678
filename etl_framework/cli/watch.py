"""`etl watch`"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click

from etl_framework.cli.options import environment_option, project_option

PARTS = ("pipelines", "sql_templates", "dags", "environments.yml", "setup.cfg")
SECONDS = 0.3


@click.command()
@click.argument("name", required=False)
@environment_option
@click.option("--limit", default=10, show_default=True, help="Rows at the most; 0 for all.")
@click.option("--once", is_flag=True, help="Look once, and end.")
@project_option
def watch(name: str | None, environment: str | None, limit: int, once: bool, root: Path) -> None:
    """Lint at each save, and preview a KPI or transform; Ctrl-C ends it.

    \b
    etl watch
    etl watch kpis_genre
    """
    seen: dict[Path, int] = {}
    while True:
        now = dict(_times(root))
        if now != seen:
            seen = now
            click.clear()
            _look(name, environment, limit, root)
            if once:
                return
        time.sleep(SECONDS)


def _times(root: Path) -> Iterator[tuple[Path, int]]:
    for part in PARTS:
        path = root / part
        for file in [path] if path.is_file() else path.rglob("*"):
            try:
                yield file, file.stat().st_mtime_ns
            except OSError:  # gone in between
                continue


def _look(name: str | None, environment: str | None, limit: int, root: Path) -> None:
    """Lint, and preview when that finds no error."""
    from etl_framework.cli.lint import lint
    from etl_framework.cli.preview import preview
    from etl_framework.errors import EtlError

    place = ["--project", str(root)]
    try:
        lint.main(place, standalone_mode=False)
    except SystemExit:
        pass
    except EtlError as error:
        click.echo(str(error), err=True)
        return
    if not name:
        return
    given = [name, "--limit", str(limit), *place, *(["--env", environment] if environment else [])]
    try:
        preview.main(given, standalone_mode=False)
    except EtlError as error:
        click.echo(str(error), err=True)
