"""Selection on the command line: its options, and what git and the run history know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from etl_framework.cli.completion import in_pipelines
from etl_framework.cli.log import log

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.relation import Kind
    from etl_framework.project.selection import Selected

F = TypeVar("F", bound=Callable[..., Any])
SELECTED = ("selectors", "select", "exclude", "base")


def selecting(function: F) -> F:
    """Give a command the argument SELECTORS, and the options --select, --exclude and --base."""
    for option in (
        click.option(
            "--base",
            metavar="REV",
            default="HEAD",
            show_default=True,
            help="For `state:modified`: since which revision of git.",
        ),
        click.option(
            "--exclude", multiple=True, metavar="SELECTOR", help="Leave out what this means."
        ),
        click.option(
            "--select",
            multiple=True,
            metavar="SELECTOR",
            help="Only this of what the arguments mean.",
        ),
        click.argument("selectors", nargs=-1, shell_complete=in_pipelines),
    ):
        function = option(function)
    return function


def chosen(
    project: Project,
    selectors: Sequence[str],
    select: Sequence[str],
    exclude: Sequence[str],
    base: str,
    environment: str | None = None,
    kinds: Sequence[Kind] = ("kpi",),
) -> list[Selected]:
    """What the options of a command mean; everything if there are no selectors.

    Files that cannot be read are told if selectors may mean them.

    :raises ConfigError: a selector means nothing; or everything is meant, and files have errors.
    """
    from etl_framework.errors import ConfigError
    from etl_framework.project.selection import selected
    from etl_framework.project.selectors import is_name

    facts: dict[str, Callable[[], dict[str, Collection[str]]]] = {
        "state": lambda: _states(project, base),
        "result": lambda: _results(project, environment),
    }
    broken = [
        problem for f in project.pipelines if f.model is None for problem in f.file.diagnostics
    ]
    if broken and not selectors and not select:
        raise ConfigError(broken)
    found = selected(project, selectors, exclude, select, kinds=kinds, facts=facts)
    if broken and not all(is_name(selector) for selector in selectors):
        log().say(f"left out, for it cannot be read: {broken[0]}")
    return found


def _states(project: Project, base: str) -> dict[str, Collection[str]]:
    """Whether each pipeline has changed since a revision.

    :raises ConfigError: git does not know the revision, or the folder is in no repository.
    """
    from etl_framework.lint.changed import changed_files
    from etl_framework.project.git import files_at

    changed, old = changed_files(project, base), files_at(project.root, base)
    states: dict[str, Collection[str]] = {}
    for pipeline_file in project.pipelines:
        if pipeline_file.model:
            path = pipeline_file.file.path
            words = ["modified"] if path in changed else ["unmodified"]
            states[pipeline_file.stem] = words if path in old else [*words, "new"]
    return states


def _results(project: Project, environment: str | None) -> dict[str, Collection[str]]:
    """How the latest data interval of each pipeline stands; nothing for one that never ran."""
    from etl_framework.run.status import status

    rows = [status(project, environment, model, 1) for model in project.models]
    return {row.pipeline: [cell.state for cell in row.cells] for row in rows}
