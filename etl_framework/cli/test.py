"""`etl test`"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.options import format_option, project_option
from etl_framework.cli.selecting import chosen, selecting

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.selection import Selected
    from etl_framework.workbench.test import Verdict


@click.command()
@selecting
@project_option
@format_option("text", "json")
def test(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    root: Path,
    format_: str,
) -> None:
    """Run the examples under `tests:` of transforms and KPIs, on a few rows in memory.

    SELECTORS are as for `etl ls`, and transforms: `music_streaming`, `music_streaming.listens`, or
    `listens` where one pipeline alone has it; everything if none is given. Connects nowhere. Exit
    codes: 0 all pass, 1 some fail, 2 could not run.

    \b
    etl test
    etl test music_streaming.listens
    etl test state:modified+ --base origin/main
    """
    from etl_framework.project.project import load_project

    project = load_project(root)
    found = chosen(project, selectors, select, exclude, base, kinds=("transform", "kpi"))
    verdicts = []
    for verdict in _verdicts(project, found):
        verdicts.append(verdict)
        if format_ == "text":
            click.echo(_in_words(verdict))
    failed = sum(not verdict.passed for verdict in verdicts)
    if format_ == "json":
        click.echo(json.dumps([_as_object(verdict) for verdict in verdicts], indent=2, default=str))
    click.echo(f"{len(verdicts) - failed} passed, {failed} failed", err=True)
    sys.exit(1 if failed else 0)


def _verdicts(project: Project, found: Sequence[Selected]) -> Iterator[Verdict]:
    """Run the tests of what is selected, and return their verdicts.

    :raises ConfigError: the files have errors.
    """
    from etl_framework.errors import ConfigError
    from etl_framework.lint.linter import Linter
    from etl_framework.workbench.test import run_tests

    files = [each.file for each in found]
    problems, _ = Linter(project.root).look_for_run(project, files)
    if errors := [problem for problem in problems if problem.severity == "error"]:
        raise ConfigError(errors)
    for each in found:
        yield from run_tests(project.root, each.file, each.relations)


def _in_words(verdict: Verdict) -> str:
    """Return a line for a test; for a failed test also what differs."""
    name = f"{verdict.pipeline}.{verdict.relation} {verdict.test}"
    if verdict.passed:
        return f"✓ {name}  {verdict.seconds * 1000:.0f} ms"
    path, line, column = verdict.place
    lines = [f"✗ {name}  {path}:{line}:{column}"]
    lines += verdict.error.split("\n") if verdict.error else _table(verdict).split("\n")
    return "\n    ".join(lines)


def _table(verdict: Verdict) -> str:
    """Return a table of expected and found rows, with the names of columns that differ."""
    from etl_framework.cli.table import text_table
    from etl_framework.workbench.rows import same

    rows: list[tuple[Any, ...]] = []
    for difference in verdict.differences:
        if difference.expected is not None and difference.actual is not None:
            pairs = zip(verdict.columns, difference.expected, difference.actual, strict=True)
            differing = ", ".join(column for column, one, other in pairs if not same(one, other))
            rows.append(("expected", *difference.expected, ""))
            rows.append(("found", *difference.actual, f"differs: {differing}"))
        elif difference.expected is not None:
            rows.append(("expected", *difference.expected, "not found"))
        elif difference.actual is not None:
            rows.append(("found", *difference.actual, "not expected"))
    return text_table(("", *verdict.columns, ""), [_visible(row) for row in rows])


def _visible(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple("NULL" if value is None else value for value in row)


def _as_object(verdict: Verdict) -> dict[str, Any]:
    path, line, column = verdict.place
    return {
        "pipeline": verdict.pipeline,
        "relation": verdict.relation,
        "test": verdict.test,
        "path": path,
        "line": line,
        "column": column,
        "passed": verdict.passed,
        "seconds": round(verdict.seconds, 6),
        "error": verdict.error,
        "differences": [
            {
                side: None if row is None else dict(zip(verdict.columns, row, strict=True))
                for side, row in (("expected", difference.expected), ("found", difference.actual))
            }
            for difference in verdict.differences
        ],
    }
