"""Look at many pipelines in several processes, if there are enough pipelines to make it faster.

Only those processes import what they need for it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.lint.cache import Across, Unit

if TYPE_CHECKING:
    from etl_framework.lint.inspector import Inspector

# A process needs half a second to start; then each pipeline takes a fiftieth of a second.
ENOUGH = 40
CHUNK = 10
# After how many new objects the garbage collector looks for garbage.
SELDOM = 100_000
PRELOAD = ["duckdb", "sqlglot.optimizer.qualify", "etl_framework.lint.inspector"]


def worth_it(missing: Sequence[str], jobs: int | None) -> int:
    """Return how many processes should look at the missing pipelines; 1 if this one is enough.

    :param jobs: how many processes may work; one per core if None.
    """
    return 1 if len(missing) < ENOUGH else jobs or os.cpu_count() or 1


def look_in_processes(
    root: Path, paths: Sequence[str], known: Mapping[str, Unit], missing: Sequence[str], jobs: int
) -> tuple[dict[str, Unit], Across]:
    """Return the units of a project's pipelines, and the problems across them.

    :param paths: the paths of all pipelines' files.
    :param known: the units of the pipelines that are not missing.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    context.set_forkserver_preload(PRELOAD)
    with ProcessPoolExecutor(jobs, context, _begin, (root,)) as pool:
        made = pool.map(_unit, missing, chunksize=CHUNK)
        units = {**known, **dict(zip(missing, made, strict=True))}
        units = {path: units[path] for path in paths}
        return units, pool.submit(_judge, list(units.values())).result()


_INSPECTOR: list[Inspector] = []  # of this process


def _begin(root: Path) -> None:
    from etl_framework.lint.inspector import Inspector
    from etl_framework.lint.settings import load_settings

    _INSPECTOR[:] = [Inspector(root, load_settings(root))]
    without_garbage()


def _unit(path: str) -> Unit:
    return _INSPECTOR[0].unit(path)


def _judge(units: Sequence[Unit]) -> Across:
    from etl_framework.lint.files import Files

    inspector = _INSPECTOR[0]
    whole = inspector.judge(units, Files(inspector.around.root))
    return Across("", inspector.reads, inspector.names, whole)


def without_garbage() -> None:
    """Let the garbage collector skip the objects that exist now, and run less often."""
    if gc.get_threshold()[0] < SELDOM:  # else it was done: how many are frozen takes long to count
        gc.freeze()
        gc.set_threshold(SELDOM)
