"""`etl lint`"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from etl_framework.cli.options import format_option, project_option


@click.command()
@click.argument("paths", nargs=-1)
@project_option
@format_option("text", "json")
def lint(paths: tuple[str, ...], root: Path, format_: str) -> None:
    """Report every mistake of the project's files at once.

    PATHS are files, folders or names of pipelines; everything if none is given. Connects nowhere.
    Exit codes: 0 clean, 1 found something, 2 could not run.

    \b
    etl lint
    etl lint pipelines/music_streaming.yml --format json
    """
    from etl_framework.config.project import load_project
    from etl_framework.lint.linter import as_json
    from etl_framework.lint.linter import lint as find

    problems = find(load_project(root), paths)
    if format_ == "json":
        click.echo(json.dumps(as_json(problems), indent=2))
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} found", err=True)
    sys.exit(1 if problems else 0)
