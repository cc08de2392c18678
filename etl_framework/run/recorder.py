"""Write the record of a run when it starts and when it ends, also if it fails."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.columns import MASK
from etl_framework.errors import ConfigError, EtlError, RetryableError
from etl_framework.project.git import describe
from etl_framework.run.execute import StepResult
from etl_framework.run.history import RunRecord, State, StepFacts
from etl_framework.storage.staging import RunFolder

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan

OnResult = Callable[[StepResult], None]
# A value that a database could not read, which may be a sensitive one:
# Could not convert string 'abc' to INT32; invalid input syntax for type integer: "abc"
_VALUE = re.compile(
    r"""(convert string |cast string |input syntax for [^:]*: )('.*'|".*")(?= to |,|$|\.)""",
    re.IGNORECASE | re.DOTALL,
)
# Of more files than this a record has only the number.
FILES = 1000


class Recorder:
    """Writes the record of a run when it starts and when it ends.

    A run goes on if its record cannot be written, because its rows matter more.
    """

    def __init__(self, plan: Plan, folder: RunFolder, run: str, how: str, part: str) -> None:
        """Begin a record.

        :param run: the run that it is a part of.
        :param part: what no other record has.
        """
        self._history = plan.workspace.staging.history(plan.pipeline.name)
        self._folder = folder
        self._steps: dict[str, StepFacts] = {}
        self._lost = False  # the warehouse does not answer
        started = _now()
        begun = started[:23].replace(":", "")  # 2026-11-30T084241.123
        self._name = f"{begun}_{plan.interval.key}_{part}.json"
        self._record = RunRecord(
            run=run,
            pipeline=plan.pipeline.name,
            environment=plan.environment_name,
            key=plan.interval.key,
            state="running",
            started=started,
            how=how,
            user=current_user(),
            host=socket.gethostname(),
            commit=commit_of(plan.root),
            params={name: param.default for name, param in plan.pipeline.params.items()},
        )

    @contextmanager
    def recording(self, on_result: OnResult) -> Iterator[OnResult]:
        """Record what is told of steps while they run, and pass it on."""
        self._write("running")
        state: State = "stopped"

        def told(result: StepResult) -> None:
            self._steps[result.step] = self._facts(result)
            if result.step == "publish" and isinstance(result.error, RetryableError):
                self._lost = True
            on_result(result)

        try:
            yield told
            failed = any(step.error for step in self._steps.values())
            state = "failed" if failed else "done"
        except Exception:  # Ctrl-C is none
            state = "failed"
            raise
        finally:
            self._write(state, _now())

    @property
    def tells_of_run(self) -> bool:
        """Whether a run ends with it: it has published, or a step has failed.

        It does not, if the warehouse was what failed: that cannot be told there.
        """
        publish = self._steps.get("publish")
        if publish and publish.state == "failed":
            return not self._lost
        return bool(publish) or any(step.state == "failed" for step in self._steps.values())

    def _facts(self, result: StepResult) -> StepFacts:
        before = self._steps.get(result.step)
        files: Sequence[str] = ()
        arrived, unread = "", dict[str, int]()
        if result.state == "done" and result.step.startswith("extract."):
            outcome = self._folder.step(result.step).outcome()
            if outcome:
                files = [name for name, _ in outcome.sources[:FILES]]
                arrived, unread = outcome.arrived, outcome.unread
        return StepFacts(
            step=result.step,
            state=result.state,
            started=before.started if before else _now() if result.state == "started" else "",
            seconds=round(result.seconds, 3),
            counts=dict(result.counts),
            checks=[check.facts() for check in result.checks],
            error=_error(result),
            files=files,
            arrived=arrived,
            unread=unread,
        )

    def _write(self, state: State, ended: str = "") -> None:
        content = {**asdict(self._record), "state": state, "ended": ended}
        content["steps"] = [asdict(step) for step in self._steps.values()]
        with suppress(EtlError, OSError):
            self._history.write(self._name, content)


def _error(result: StepResult) -> str:
    if result.error is None:
        return ""
    first = result.error.diagnostics[0]
    return f"{first.code} {_VALUE.sub(lambda found: found[1] + MASK, first.message)}"


def current_user() -> str:
    """Who runs this process; empty if the system has no name for that."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@cache
def commit_of(root: Path) -> str:
    """The commit of a project's files, with `+` if they were changed since; empty if unknown."""
    try:
        return describe(root)
    except ConfigError:
        return ""


def _now() -> str:
    """This moment as records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
