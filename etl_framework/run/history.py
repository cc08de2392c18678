"""What is remembered of every run: a record beside the staging, also of one that failed."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from etl_framework import __version__
from etl_framework.columns import MASK
from etl_framework.errors import ConfigError, EtlError
from etl_framework.project.git import describe
from etl_framework.run.execute import StepResult
from etl_framework.storage.staging import RunFolder, Staging

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan

State = Literal["running", "done", "failed", "stopped"]
# A value that a database could not read, which may be a sensitive one:
# Could not convert string 'abc' to INT32; invalid input syntax for type integer: "abc"
_VALUE = re.compile(
    r"""(convert string |cast string |input syntax for [^:]*: )('.*'|".*")(?= to |,|$|\.)""",
    re.IGNORECASE | re.DOTALL,
)
# Of more files than this a record has only the number.
FILES = 1000
SIDE_BY_SIDE = 16
OnResult = Callable[[StepResult], None]


@dataclass(frozen=True)
class StepFacts:
    """What a record says of a step.

    :param started: when, in UTC, as ISO 8601; empty if it did not start.
    :param checks: the results of its checks, without example rows.
    :param error: code and message; empty if it did not fail.
    :param files: the files that a source was read from.
    """

    step: str
    state: str
    started: str = ""
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    checks: Sequence[Mapping[str, Any]] = ()
    error: str = ""
    files: Sequence[str] = ()


@dataclass(frozen=True)
class RunRecord:
    """One run of a data interval, or one task of it in Airflow.

    :param run: the run; tasks of one DAG run share it.
    :param key: that of the data interval.
    :param how: the command, or the DAG run.
    :param commit: the commit of the project's files, with `+` if they were changed since.
    :param ended: empty as long as it runs, or if it was killed.
    """

    run: str
    pipeline: str
    environment: str
    key: str
    state: State
    started: str
    ended: str = ""
    how: str = ""
    user: str = ""
    host: str = ""
    commit: str = ""
    version: str = __version__
    steps: Sequence[StepFacts] = ()

    @property
    def published(self) -> bool:
        """Whether it has published the data interval."""
        return any(step.step == "publish" and step.state == "done" for step in self.steps)

    @property
    def error(self) -> str:
        """The first error; empty if there is none."""
        return next((step.error for step in self.steps if step.error), "")

    @property
    def seconds(self) -> float:
        """How long it took; 0 if it has not ended."""
        if not self.ended:
            return 0.0
        return (moment(self.ended) - moment(self.started)).total_seconds()

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> RunRecord:
        """A record as it was stored.

        :raises TypeError: it has other fields.
        """
        steps = tuple(StepFacts(**step) for step in content["steps"])
        return cls(**{**content, "steps": steps})


def moment(text: str) -> datetime:
    """Read a moment of a record."""
    return datetime.fromisoformat(text)


def now() -> str:
    """This moment as records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
        started = now()
        moment_of = started[:23].replace(":", "")
        self._name = f"{moment_of}_{plan.interval.key}_{part}.json"
        self._record = RunRecord(
            run=run,
            pipeline=plan.pipeline.name,
            environment=plan.environment_name,
            key=plan.interval.key,
            state="running",
            started=started,
            how=how,
            user=_user(),
            host=socket.gethostname(),
            commit=_commit(plan.root),
        )

    @contextmanager
    def recording(self, on_result: OnResult) -> Iterator[OnResult]:
        """Record what is told of steps while they run, and pass it on."""
        self._write("running")
        state: State = "stopped"

        def told(result: StepResult) -> None:
            self._steps[result.step] = self._facts(result)
            on_result(result)

        try:
            yield told
            failed = any(step.error for step in self._steps.values())
            state = "failed" if failed else "done"
        except EtlError:
            state = "failed"
            raise
        finally:
            self._write(state, now())

    def _facts(self, result: StepResult) -> StepFacts:
        before = self._steps.get(result.step)
        files: Sequence[str] = ()
        if result.state == "done" and result.step.startswith("extract."):
            outcome = self._folder.step(result.step).outcome()
            files = [name for name, _ in outcome.sources[:FILES]] if outcome else ()
        return StepFacts(
            step=result.step,
            state=result.state,
            started=before.started if before else now() if result.state == "started" else "",
            seconds=round(result.seconds, 3),
            counts=dict(result.counts),
            checks=[check.facts() for check in result.checks],
            error=_error(result),
            files=files,
        )

    def _write(self, state: State, ended: str = "") -> None:
        content = {**asdict(self._record), "state": state, "ended": ended}
        content["steps"] = [asdict(step) for step in self._steps.values()]
        with suppress(EtlError, OSError):
            self._history.write(self._name, content)


def stored(staging: Staging, pipeline: str) -> dict[str, str]:
    """The names of a pipeline's records with the keys of their data intervals, the oldest first.

    :raises RetryableError: S3 does not answer.
    """
    # 2026-11-30T084241.123_20240625T000000Z_20240626T000000Z_20261130T084241-8c1a823f.json
    parts = {name: name.split("_") for name in sorted(staging.history(pipeline).stored())}
    return {name: "_".join(part[1:3]) for name, part in parts.items() if len(part) == 4}


def records(
    staging: Staging, pipeline: str, keys: Collection[str] | None = None
) -> list[RunRecord]:
    """The records of a pipeline, the oldest first; those that cannot be read are left out.

    :param keys: those of the data intervals; all if not given.
    :raises RetryableError: S3 does not answer.
    """
    history = staging.history(pipeline)
    known = stored(staging, pipeline).items()
    names = [name for name, key in known if keys is None or key in keys]

    def read(name: str) -> RunRecord | None:
        with suppress(EtlError, TypeError, KeyError):
            if content := history.read(name):
                return RunRecord.read(content)
        return None

    if history.remote is None:
        return [record for record in map(read, names) if record]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:  # each waits for an answer of S3
        return [record for record in pool.map(read, names) if record]


def forget(staging: Staging, pipeline: str, before: datetime) -> int:
    """Delete the records of runs that have started before a moment, and return their number.

    :raises RetryableError: S3 does not answer.
    """
    history, end = staging.history(pipeline), f"{before:%Y-%m-%dT%H%M%S}"
    old = [name for name in history.stored() if name < end]
    for name in old:
        history.delete(name)
    return len(old)


def _error(result: StepResult) -> str:
    if result.error is None:
        return ""
    first = result.error.diagnostics[0]
    return f"{first.code} {_VALUE.sub(lambda found: found[1] + MASK, first.message)}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@cache
def _commit(root: Path) -> str:
    try:
        return describe(root)
    except ConfigError:
        return ""
