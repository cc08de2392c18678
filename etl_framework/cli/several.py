"""Run several pipelines, each after those whose results it waits for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from etl_framework.project.project import Project


def run_several(
    project: Project,
    selectors: Sequence[str],
    exclude: Sequence[str],
    one: Callable[[str], None],
    *,
    alone: bool = False,
) -> None:
    """Run the pipelines that selectors mean; one that fails stops those that come after it.

    :param one: runs a pipeline by its name.
    :param alone: only one pipeline can be meant.
    :raises ConfigError: a selector means none, or several where one is wanted.
    :raises EtlError: a pipeline failed; the error has the problems of all that did.
    """
    from etl_framework.errors import ConfigError, EtlError
    from etl_framework.project.selection import selected, upstream

    names = list(selectors)
    if len(names) > 1 or exclude or not _is_name(names[0]):
        names = [model.name for model in selected(project, selectors, exclude)]
    if alone and len(names) != 1:
        raise ConfigError("--select takes KPIs of one pipeline", hint="name that pipeline alone")
    if len(names) == 1:
        one(names[0])
        return
    before = upstream(project.models)
    failed, left = dict[str, EtlError](), dict[str, str]()
    for name in names:
        if broken := sorted(before.get(name, set()) & {*failed, *left}):
            left[name] = f"it comes after {', '.join(broken)}"
            click.echo(f"{name} is not run: {left[name]}", err=True)
            continue
        try:
            one(name)
        except EtlError as error:
            failed[name] = error
    _tell(names, failed, left)
    if failed:
        first, *_ = errors = list(failed.values())
        raise first.about([problem for error in errors for problem in error.diagnostics])


def _is_name(selector: str) -> bool:
    return selector.replace("_", "").isalnum()


def _tell(names: Sequence[str], failed: Collection[str], left: Collection[str]) -> None:
    """Say what was done, failed and not run."""
    done = len(names) - len(failed) - len(left)
    parts = [f"{done:,} done"]
    parts += [f"{len(failed):,} failed ({', '.join(failed)})"] if failed else []
    parts += [f"{len(left):,} not run ({', '.join(left)})"] if left else []
    click.echo(f"\n{len(names):,} pipelines: {', '.join(parts)}", err=True)
