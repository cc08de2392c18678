"""The records of runs, kept beside the staging; runs only add to them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Literal

from etl_framework import __version__
from etl_framework.columns import MASK
from etl_framework.errors import EtlError
from etl_framework.storage.staging import Staging
from etl_framework.targets.published import moment

State = Literal["running", "done", "failed", "stopped"]
# How many records are read from S3 side by side; each waits for an answer.
SIDE_BY_SIDE = 16


@dataclass(frozen=True)
class StepFacts:
    """What a record says of a step.

    :param started: when, in UTC, as ISO 8601; empty if it did not start.
    :param checks: the results of its checks, without example rows.
    :param error: code and message; empty if it did not fail.
    :param files: the files that a source was read from.
    :param arrived: when the newest of them was written, as ISO 8601; empty if nobody can tell.
    :param unread: how many rows of a source could not be read, by the column at fault.
    """

    step: str
    state: str
    started: str = ""
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    checks: Sequence[Mapping[str, Any]] = ()
    error: str = ""
    files: Sequence[str] = ()
    arrived: str = ""
    unread: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """One run of a data interval, or one task of it in Airflow.

    :param run: the run; tasks of one DAG run share it.
    :param key: that of the data interval.
    :param how: the command, or the DAG run.
    :param commit: the commit of the project's files, with `+` if they were changed since.
    :param ended: empty as long as it runs, or if it was killed.
    :param params: the values of the pipeline's params.
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
    params: Mapping[str, Any] = field(default_factory=dict)

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


def stored(staging: Staging, pipeline: str) -> dict[str, str]:
    """The names of a pipeline's records with the keys of their data intervals, the oldest first.

    :raises RetryableError: S3 does not answer.
    """
    # 2026-11-30T084241.123_20240625T000000Z_20240626T000000Z_20261130T084241-8c1a823f.json
    parts = {name: name.split("_") for name in sorted(staging.history(pipeline).stored())}
    return {name: "_".join(part[1:3]) for name, part in parts.items() if len(part) == 4}


def read_record(staging: Staging, pipeline: str, name: str) -> RunRecord | None:
    """A record of a pipeline; None if it cannot be read.

    :param name: one that `stored` gives.
    """
    with suppress(EtlError, TypeError, KeyError):
        if content := staging.history(pipeline).read(name):
            return RunRecord.read(content)
    return None


def records(staging: Staging, pipeline: str, names: Iterable[str] | None = None) -> list[RunRecord]:
    """The records of a pipeline, the oldest first; those that cannot be read are left out.

    :param names: some of those that `stored` gives; all if not given.
    :raises RetryableError: S3 does not answer.
    """
    wanted = stored(staging, pipeline) if names is None else names
    read = partial(read_record, staging, pipeline)
    if staging.history(pipeline).remote is None:
        return [record for record in map(read, wanted) if record]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return [record for record in pool.map(read, wanted) if record]


def hide(staging: Staging, pipeline: str, texts: Collection[str], *, dry_run: bool) -> int:
    """Mask texts in the records of a pipeline's runs; return the number of records with one.

    :raises RetryableError: S3 does not answer.
    """
    history, found = staging.history(pipeline), 0
    for name in history.stored() if texts else ():
        content = history.read(name)
        written = json.dumps(content, ensure_ascii=False)
        masked = written
        for text in texts:
            masked = masked.replace(json.dumps(text, ensure_ascii=False)[1:-1], MASK)
        if masked != written:
            found += 1
            if not dry_run:
                history.write(name, json.loads(masked))
    return found


def forget(staging: Staging, pipeline: str, before: datetime) -> int:
    """Delete the records of runs that have started before a moment, and return their number.

    :raises RetryableError: S3 does not answer.
    """
    history, end = staging.history(pipeline), f"{before:%Y-%m-%dT%H%M%S}"
    old = [name for name in history.stored() if name < end]
    for name in old:
        history.delete(name)
    return len(old)
