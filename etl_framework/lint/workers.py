"""Look at many pipelines, in several processes when they are enough to pay for them.

What is imported for it is imported by those processes alone.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.lint.contents import digest, read_inside
from etl_framework.lint.units import Unit

if TYPE_CHECKING:
    from etl_framework.project.project import Project

# Each process costs half a second before its first pipeline, which then takes a fiftieth.
ENOUGH = 40
CHUNK = 10
PRELOAD = ["duckdb", "sqlglot.optimizer.qualify", "etl_framework.lint.linter"]
Found = tuple[dict[str, Unit], list[str], Unit]


def look(
    root: Path,
    paths: Sequence[str],
    known: dict[str, Unit],
    missing: Sequence[str],
    jobs: int | None,
) -> Found:
    """All units of a project; the patterns of files that rules across them read; what they find.

    :param paths: of all pipelines' files.
    :param known: the units of those that are not missing.
    :param jobs: how many processes may work; as many as there are cores when None.
    """
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1 or len(missing) < ENOUGH:
        _begin(root)
        units = known | {path: _unit(path) for path in missing}
        return units, *_judge([units[path] for path in paths])
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload(PRELOAD)
    with ProcessPoolExecutor(jobs, context, _begin, (root,)) as pool:
        made = pool.map(_unit, missing, chunksize=CHUNK)
        units = known | dict(zip(missing, made, strict=True))
        return units, *pool.submit(_judge, [units[path] for path in paths]).result()


_PROJECT: list[Project] = []  # of this process


def _begin(root: Path) -> None:
    from etl_framework.lint.linter import rules
    from etl_framework.lint.pages import codes
    from etl_framework.lint.settings import load_settings
    from etl_framework.project.project import load_environments

    rules()
    load_settings(root, codes())  # imports the project's own rules
    _PROJECT[:] = [load_environments(root)]
    if not gc.get_freeze_count():  # what a start makes, stays; later, garbage would
        gc.freeze()
        gc.set_threshold(100_000)


def _unit(path: str) -> Unit:
    from etl_framework.lint.linter import look_at
    from etl_framework.project.project import load_pipeline

    project = _PROJECT[0]
    before = digest(read_inside(project.root, path))
    unit = look_at(project, load_pipeline(project.root, path))
    return unit if unit.files.get(path) == before else replace(unit, files={})


def _judge(units: Sequence[Unit]) -> tuple[list[str], Unit]:
    from etl_framework.lint.linter import judged, patterns

    return patterns(), judged(_PROJECT[0], units)
