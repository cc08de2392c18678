"""Run several pipelines side by side, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from etl_framework.cli.document import current
from etl_framework.cli.log import log
from etl_framework.cli.selecting import SELECTED
from etl_framework.cli.several import tell

if TYPE_CHECKING:
    from etl_framework.project.project import Project
    from etl_framework.project.selection import Selected


def run_side_by_side(
    project: Project,
    chosen: Sequence[Selected],
    jobs: int,
    context: click.Context,
) -> int:
    """Run pipelines, so many at a time, each when those that it comes after are done.

    What a run prints is printed when it has ended. One that fails stops those that come after it.

    :param context: that of `etl run`, whose options hold for every one of them.
    :returns: the exit code: 0 all are done, 1 some failed, 2 those that failed could not begin.
    """
    from etl_framework.project.graph import upstream

    before, options = upstream(project.models), _options(context)
    waiting = {each.name: each for each in chosen}
    names = list(waiting)
    failed, left, codes = dict[str, int](), dict[str, str](), set[int]()
    started = dict[Future[Ended], str]()
    processes = list[subprocess.Popen[str]]()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or started:
                for name in list(waiting):  # each behind those that it comes after
                    if broken := sorted(before[name] & {*failed, *left}):
                        del waiting[name]
                        left[name] = f"it comes after {', '.join(broken)}"
                        log().say(f"{name} is not run: {left[name]}", "skipped", pipeline=name)
                for name in [n for n in waiting if len(started) < jobs]:
                    if len(started) < jobs and not before[name] & {*waiting, *started.values()}:
                        log().say(f"… {name} begins", pipeline=name)
                        each = waiting.pop(name)
                        started[pool.submit(_run, each, options, processes)] = name
                for future in wait(started, return_when=FIRST_COMPLETED).done if started else ():
                    name, ended = started.pop(future), future.result()
                    ended.tell(name)
                    codes.add(ended.code)
                    if ended.code:
                        failed[name] = ended.code
        finally:  # also after Ctrl-C, which they hear as well, and end by themselves
            for process in processes:
                process.wait()
    tell(names, failed, left)
    return min(codes - {0}, default=0)


@dataclass(frozen=True)
class Ended:
    """A run that has ended in another process, and what that has printed."""

    code: int
    seconds: float
    results: str
    progress: str

    def tell(self, name: str) -> None:
        """Print what the process has printed, or take over its document."""
        progress = self.progress.rstrip()
        if not log().as_json:
            log().say(f"{'✗' if self.code else '✓'} {name} {self.seconds:.2f}s")
        if progress:
            click.echo(progress, err=True)
        document = current()
        if document is None:
            if self.results.strip():
                click.echo(self.results.rstrip())
            return
        with suppress(ValueError):  # it was killed
            own = json.loads(self.results)
            document["runs"] += own["runs"]
            document["problems"] += own["problems"]
        if self.code:
            document["state"] = "failed"


def _run(each: Selected, options: Sequence[str], processes: list[subprocess.Popen[str]]) -> Ended:
    """Run a pipeline in another process."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "etl_framework", "run", *each.names, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    processes.append(process)
    results, progress = process.communicate()
    return Ended(process.returncode, time.monotonic() - begun, results, progress)


def _options(context: click.Context) -> list[str]:
    """The options that the command was given, without those that select."""
    given = ["--project", str(context.params["root"])]
    for option in context.command.params:
        name = option.name or ""
        default = context.get_parameter_source(name) == ParameterSource.DEFAULT
        if name in (*SELECTED, "jobs", "root") or default or not isinstance(option, click.Option):
            continue
        value = context.params[name]
        if isinstance(value, dict):
            given += [part for n, v in value.items() for part in (option.opts[0], f"{n}={v}")]
        else:
            given += [option.opts[0]] if option.is_flag else [option.opts[0], str(value)]
    return given
