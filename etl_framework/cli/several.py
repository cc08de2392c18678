"""Run several pipelines, each after those whose results it waits for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from etl_framework.cli.document import current
from etl_framework.cli.log import log

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.selection import Selected


def run_several(
    project: Project, chosen: Sequence[Selected], one: Callable[[Selected], None]
) -> None:
    """Run pipelines in their order; one that fails stops those that come after it.

    :param one: runs a pipeline, or the selected KPIs of it.
    :raises EtlError: a pipeline failed; the error has the problems of all that did.
    """
    from etl_framework.errors import EtlError
    from etl_framework.project.graph import upstream

    if len(chosen) == 1:
        one(chosen[0])
        return
    before = upstream(project.models)
    failed, left = dict[str, EtlError](), dict[str, str]()
    for each in chosen:
        name = each.name
        if broken := sorted(before.get(name, set()) & {*failed, *left}):
            left[name] = f"it comes after {', '.join(broken)}"
            log().say(f"{name} is not run: {left[name]}", "skipped", pipeline=name)
            continue
        try:
            one(each)
        except EtlError as error:
            failed[name] = error
    tell([each.name for each in chosen], failed, left)
    if failed:
        first, *_ = errors = list(failed.values())
        raise first.about([problem for error in errors for problem in error.diagnostics])


def tell(names: Sequence[str], failed: Collection[str], left: Mapping[str, str]) -> None:
    """Say what was done, failed and not run.

    :param left: why each was not run.
    """
    done = len(names) - len(failed) - len(left)
    parts = [f"{done:,} done"]
    parts += [f"{len(failed):,} failed ({', '.join(failed)})"] if failed else []
    parts += [f"{len(left):,} not run ({', '.join(left)})"] if left else []
    log().say(f"\n{len(names):,} pipelines: {', '.join(parts)}", "summary")
    document = current()
    if document is not None:
        document["not_run"] = [{"pipeline": name, "why": why} for name, why in left.items()]
