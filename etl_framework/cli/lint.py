"""`etl lint`"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import format_option, project_option

if TYPE_CHECKING:
    from etl_framework.errors import Diagnostic
    from etl_framework.lint.linter import Linter
    from etl_framework.lint.settings import Settings

BASELINE = "lint-baseline.json"
ROUNDS = 5


@click.command()
@click.argument("paths", metavar="[PATHS | SELECTORS]...", nargs=-1, shell_complete=pipelines)
@click.option("--exclude", multiple=True, metavar="SELECTOR", help="Not these pipelines.")
@click.option("--select", metavar="CODES", help="Only these rules: W402, or W4 for all such.")
@click.option("--ignore", metavar="CODES", help="Not these rules.")
@click.option("--changed-since", metavar="REV", help="Only what differs from a revision of git.")
@click.option(
    "--baseline", metavar="FILE", help="Findings that are known, and not to be told again."
)
@click.option("--fix", is_flag=True, help="Mend what is certain, and print what was changed.")
@click.option("--write-baseline", is_flag=True, help="Let all that is found now be known.")
@click.option("--no-cache", is_flag=True, help="Look at every file, whether it has changed or not.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Processes; else one per core.")
@project_option
@format_option("text", "json", "sarif", "github", "junit", "markdown")
@click.pass_obj
def lint(
    known: Linter | None,
    paths: tuple[str, ...],
    exclude: tuple[str, ...],
    select: str | None,
    ignore: str | None,
    changed_since: str | None,
    baseline: str | None,
    fix: bool,
    write_baseline: bool,
    no_cache: bool,
    jobs: int | None,
    root: Path,
    format_: str,
) -> None:
    """Report every mistake of the project's files at once.

    PATHS are files, folders or names of pipelines, SELECTORS are as for `etl ls`; everything if
    none is given. Connects nowhere. `etl rule CODE` explains a finding. Settings are in setup.cfg,
    [etl:lint], or in pyproject.toml, [tool.etl.lint].
    Exit codes: 0 clean, 1 found something, 2 could not run.

    \b
    etl lint
    etl lint pipelines/music_streaming.yml --format json
    etl lint tag:daily owner:shop
    etl lint --changed-since origin/main --format github
    etl lint --fix
    """
    from etl_framework.lint.baseline import write_baseline as write_known
    from etl_framework.lint.formats import FORMATS, as_frames
    from etl_framework.lint.linter import Linter
    from etl_framework.lint.settings import load_settings

    settings = load_settings(root)
    settings = replace(
        settings,
        select=_codes(select) or settings.select,
        ignore=_codes(ignore) or settings.ignore,
        baseline=baseline or settings.baseline,
    )

    paths = _without_selectors(root, paths, exclude, changed_since or "HEAD")
    linter = known or Linter(root, start=not no_cache, keep=not no_cache, jobs=jobs)

    def find(settings: Settings) -> list[Diagnostic]:
        all_problems = linter.look(paths, settings)
        narrowed = bool(paths or changed_since or select or ignore)
        return _selected(root, all_problems, settings, changed_since, narrowed=narrowed)

    if write_baseline:
        diagnostics = find(replace(settings, baseline=""))
        file = root / (settings.baseline or BASELINE)
        write_known(file, diagnostics)
        click.echo(f"wrote {len(diagnostics)} known problems to {file.name}", err=True)
        return
    diagnostics = find(settings)
    for _ in range(ROUNDS if fix else 0):  # a fix may bring up further problems
        if not _mend(root, diagnostics):
            break
        diagnostics = find(settings)
    problems = [_from_here(diagnostic, root) for diagnostic in diagnostics]
    write = as_frames if format_ == "text" and sys.stdout.isatty() else FORMATS[format_]
    click.echo(write(problems, Path.cwd()), nl=False)
    click.echo(f"{len(problems)} problem{'' if len(problems) == 1 else 's'} found", err=True)
    sys.exit(1 if problems else 0)


def _without_selectors(
    root: Path, paths: Sequence[str], exclude: Sequence[str], base: str
) -> tuple[str, ...]:
    """Paths, with the files of the pipelines that selectors mean in their place."""
    from etl_framework.project.paths import pipeline_paths

    stems = {Path(path).stem for path in pipeline_paths(root)} if paths else set()
    selectors = [
        path
        for path in paths
        if not Path(path).exists()
        and (re.search(r"[:+@*,\[]", path) or (path.isidentifier() and path not in stems))
    ]
    if not selectors and not exclude:
        return tuple(paths)
    from etl_framework.cli.selecting import chosen
    from etl_framework.lint.base import files_of
    from etl_framework.project.project import load_project

    project = load_project(root)
    left = [path for path in paths if path not in selectors]
    if left and exclude:
        raise click.UsageError("--exclude goes with selectors, not with files")
    found = chosen(project, selectors, (), exclude, base, kinds=())
    files = {str(root / path) for each in found for path in files_of(each.file)}
    return (*left, *sorted(file for file in files if Path(file).exists()))


def _selected(
    root: Path,
    problems: list[Diagnostic],
    settings: Settings,
    revision: str | None,
    *,
    narrowed: bool,
) -> list[Diagnostic]:
    """Return the problems of the change since a revision that are not in the baseline."""
    from etl_framework.lint.baseline import read_baseline, without_known

    if revision:
        from etl_framework.lint.changed import problems_of_change
        from etl_framework.project.project import load_project

        problems = problems_of_change(load_project(root), revision, problems)
    if settings.baseline:
        problems, mended = without_known(problems, read_baseline(root / settings.baseline))
        if mended and not narrowed:
            click.echo(f"{mended} of the baseline are mended: etl lint --write-baseline", err=True)
    return problems


def _mend(root: Path, problems: list[Diagnostic]) -> list[Diagnostic]:
    """Fix what is certain, and print what was changed."""
    from etl_framework.authoring.fix import fix
    from etl_framework.project.project import load_project

    mended = fix(load_project(root), problems)
    for problem in mended:
        shown = _from_here(problem, root)
        click.echo(f"fixed {shown.place}{problem.code} {problem.hint}", err=True)
    return mended


def _codes(given: str | None) -> tuple[str, ...]:
    """Return the codes, or beginnings of codes, that an option gives.

    :raises ConfigError: no code begins so.
    """
    from etl_framework.errors import ConfigError
    from etl_framework.lint.pages import codes, near

    prefixes = tuple(re.split(r"[\s,]+", given.strip())) if given and given.strip() else ()
    for code in prefixes:
        if not any(known_code.startswith(code) for known_code in codes()):
            raise ConfigError(f"there is no rule '{code}'", hint=near(code))
    return prefixes


def _from_here(problem: Diagnostic, root: Path) -> Diagnostic:
    """Return a problem with its path relative to the current folder."""
    here = Path.cwd()
    if root == here or not problem.path:
        return problem
    return replace(problem, path=Path(os.path.relpath(root / problem.path, here)).as_posix())
