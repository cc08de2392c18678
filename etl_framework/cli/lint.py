"""`etl lint`"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.options import format_option, project_option

if TYPE_CHECKING:
    from etl_framework.errors import Diagnostic


@click.command()
@click.argument("paths", nargs=-1)
@project_option
@format_option("text", "json", "sarif", "github", "junit", "markdown")
def lint(paths: tuple[str, ...], root: Path, format_: str) -> None:
    """Report every mistake of the project's files at once.

    PATHS are files, folders or names of pipelines; everything if none is given. Connects nowhere.
    Exit codes: 0 clean, 1 found something, 2 could not run.

    \b
    etl lint
    etl lint pipelines/music_streaming.yml --format json
    """
    from etl_framework.config.project import load_project
    from etl_framework.lint.formats import FORMATS, as_frames
    from etl_framework.lint.linter import lint as find

    problems = [_from_here(each, root) for each in find(load_project(root), paths)]
    write = as_frames if format_ == "text" and sys.stdout.isatty() else FORMATS[format_]
    click.echo(write(problems, Path.cwd()), nl=False)
    click.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} found", err=True)
    sys.exit(1 if problems else 0)


def _from_here(problem: Diagnostic, root: Path) -> Diagnostic:
    """With its path as seen from the folder that the command runs in."""
    here = Path.cwd()
    if root == here or not problem.path:
        return problem
    return replace(problem, path=Path(os.path.relpath(root / problem.path, here)).as_posix())
