"""Run several pipelines side by side, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import click

from etl_framework.cli.several import tell

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.selection import Selected


def run_side_by_side(
    project: Project,
    chosen: Sequence[Selected],
    jobs: int,
    options: Sequence[str],
) -> int:
    """Run pipelines, so many at a time, each when those that it comes after are done.

    What a run prints is printed when it has ended. One that fails stops those that come after it.

    :param options: those of `etl run` for every one of them.
    :returns: the exit code: 0 all are done, 1 some failed, 2 those that failed could not begin.
    """
    from etl_framework.project.graph import upstream

    before = upstream(project.models)
    waiting = {each.name: each for each in chosen}
    names = list(waiting)
    failed, left, codes = dict[str, int](), dict[str, str](), set[int]()
    started = dict[Future[int], str]()
    processes = list[subprocess.Popen[str]]()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or started:
                for name in list(waiting):  # each behind those that it comes after
                    if broken := sorted(before[name] & {*failed, *left}):
                        del waiting[name]
                        left[name] = f"it comes after {', '.join(broken)}"
                        click.echo(f"{name} is not run: {left[name]}", err=True)
                for name in [n for n in waiting if len(started) < jobs]:
                    if len(started) < jobs and not before[name] & {*waiting, *started.values()}:
                        click.echo(f"… {name} begins", err=True)
                        each = waiting.pop(name)
                        started[pool.submit(_run, each, options, processes)] = name
                for future in wait(started, return_when=FIRST_COMPLETED).done if started else ():
                    name, code = started.pop(future), future.result()
                    codes.add(code)
                    if code:
                        failed[name] = code
        finally:  # also after Ctrl-C, which they hear as well, and end by themselves
            for process in processes:
                process.wait()
    tell(names, failed, left)
    return min(codes - {0}, default=0)


def _run(each: Selected, options: Sequence[str], processes: list[subprocess.Popen[str]]) -> int:
    """Run a pipeline in another process, and then print what that has printed."""
    begun, name = time.monotonic(), each.name
    process = subprocess.Popen(
        [sys.executable, "-m", "etl_framework", "run", *each.names, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    processes.append(process)
    results, progress = process.communicate()
    sign = "✗" if process.returncode else "✓"
    click.echo(f"{sign} {name} {time.monotonic() - begun:.2f}s\n{progress.rstrip()}", err=True)
    if results.strip():
        click.echo(results.rstrip())
    return process.returncode
