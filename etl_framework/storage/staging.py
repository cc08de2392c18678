"""Staging keeps relations between steps: one folder per data interval, with a folder per step.

Staging is a folder on this machine or a prefix in S3. In S3, each attempt at a step has its own
prefix, which nothing overwrites, and `result.json` names the valid attempt. Steps always work on
files of this machine; files in S3 are downloaded when they are needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from etl_framework.errors import BrokenStateError, Diagnostic, RetryableError
from etl_framework.storage.fetched import broken
from etl_framework.storage.lock import locked
from etl_framework.storage.outcome import Finished
from etl_framework.storage.s3 import S3Prefix
from etl_framework.storage.seal import sealed, unsealed
from etl_framework.storage.step_folder import DOWNLOADED, RESULT, StepFolder
from etl_framework.storage.write import write_bytes

# Other folders of a run, beside those of steps. `sweep` keeps the first three; the others are only
# needed during a load, and `sweep` deletes them when they are old.
KEPT, PASSING = ("decisions", "files", "replay"), ("publish", "loads")
HISTORY = "history"
# The name of a data interval's folder. Other programs may leave other folders beside it.
_KEY = re.compile(r"\d{8}T\d{6}Z_\d{8}T\d{6}Z")


@dataclass(frozen=True)
class RunFolder:
    """The folder in staging for all runs of one data interval."""

    path: Path
    remote: S3Prefix | None = None
    proved: dict[str, Path] = field(default_factory=dict, compare=False, repr=False)

    def step(self, name: str) -> StepFolder:
        """Return the folder of a step, by the step's name in the plan."""
        remote = self.remote / name if self.remote else None
        return StepFolder(self.path / name, remote, self.proved)

    def names(self, paths: Iterable[str]) -> list[str]:
        """Return files relative to the run's folder, so that staging can be moved.

        A file that was downloaded has the name that it has in the folder of its step.
        """
        names = [Path(path).relative_to(self.path).parts for path in paths]
        # .downloaded/extract.orders/<attempt>/data/1.parquet -> extract.orders/data/1.parquet
        steps = [(name[1], *name[3:]) if name[0] == DOWNLOADED else name for name in names]
        return [str(Path(*step)) for step in steps]

    def fetch(self, names: Sequence[str]) -> list[str]:
        """Return the paths of such files on this machine; download the steps that made them.

        :raises BrokenStateError: a file is not as its step wrote it.
        :raises RetryableError: S3 does not answer.
        """
        steps = dict.fromkeys(name.partition("/")[0] for name in names)
        folders = {step: self.step(step).fetch().path for step in steps}
        files = [folders[step] / file for step, _, file in (name.partition("/") for name in names)]
        for file in files:
            if not file.is_file():
                raise broken(str(file.parent), f"{file.name} is not there")
        return [str(file) for file in files]

    def uris(self, names: Sequence[str]) -> list[tuple[str, int]]:
        """Return the addresses of such files in S3 and their sizes; staging must be in S3.

        :raises BrokenStateError: the step that made a file is not finished any more.
        """
        uris = []
        steps: dict[str, Finished | None] = {}
        for name in names:
            step, _, file = name.partition("/")
            place = self.step(step).remote
            if step not in steps:
                steps[step] = self.step(step).finished()
            if place:
                finished = steps[step]
                if finished is None or file not in finished.proofs:
                    raise broken(place.uri(file), "the file is not there")
                uris.append((place.uri(f"{finished.attempt}/{file}"), finished.proofs[file].size))
        return uris

    def read(self, name: str) -> dict[str, Any] | None:
        """Return the values that `write` stored under a name; None if nothing is.

        :raises BrokenStateError: the file is not as it was written.
        :raises RetryableError: S3 does not answer.
        """
        data = self._content(name)
        try:
            return None if data is None else unsealed(data)
        except (ValueError, RecursionError) as error:
            raise self.spoiled(name) from error

    def has(self, name: str) -> bool:
        """Return whether `write` stored something under a name."""
        return self._content(name) is not None

    def _content(self, name: str) -> bytes | None:
        if self.remote:
            return self.remote.read(name)
        file = self.path / name
        return file.read_bytes() if file.is_file() else None

    def spoiled(self, name: str) -> BrokenStateError:
        """Return the error for a file of `write` that no run can make again."""
        place = self.remote.uri(name) if self.remote else str(self.path / name)
        what = "the file is not as it was written, and no run can make it again; nothing was done"
        versions = "an earlier version of the object" if self.remote else "a copy of it"
        hint = f"put back {versions}; docs/runbook.md, R340, says what to do without one"
        return BrokenStateError([Diagnostic(place, 0, 0, BrokenStateError.code, what, hint)])

    def write(self, name: str, content: Mapping[str, object]) -> None:
        """Store a few values that JSON knows under a name, atomically."""
        data = sealed(content, indent=1)
        if self.remote:
            self.remote.write(name, data)
        else:
            write_bytes(self.path / name, data)

    def stored(self) -> list[str]:
        """Return the names of all that `write` stored here."""
        if self.remote:
            return [stored.name for stored in self.remote.listed() if stored.name.endswith(".json")]
        return [file.name for file in self.path.glob("*.json")]

    def steps(self) -> list[str]:
        """Return the names of all steps that have left something here."""
        if self.remote:
            folders = self.remote.folders()
        else:
            folders = [path.name for path in self.path.glob("*.*") if path.is_dir()]
        return sorted(name for name in folders if "." in name[1:])

    def delete(self, name: str) -> None:
        """Delete what `write` stored under a name, if anything is."""
        if self.remote:
            self.remote.delete([name])
        else:
            (self.path / name).unlink(missing_ok=True)

    def sweep(self, before: datetime) -> int:
        """Delete old objects from S3 that no result names, and return their number.

        They come from attempts that were killed or replaced, or they are manifests.

        :param before: only objects older than this are deleted.
        """
        if not self.remote:
            return 0
        attempts: dict[str, str] = {}
        left = []
        for stored in self.remote.listed():
            step, _, rest = stored.name.partition("/")
            if stored.modified >= before or rest in ("", RESULT) or step in KEPT:
                continue
            if step not in attempts and step not in PASSING:
                finished = self.step(step).finished()
                attempts[step] = finished.attempt if finished else ""
            if rest.partition("/")[0] != attempts.get(step):
                left.append(stored.name)
        self.remote.delete(left)
        return len(left)

    def in_use(self) -> bool:
        """Return whether a process on this machine is running this interval."""
        if not (self.path / ".lock").exists():
            return False
        try:
            with locked(self.path / ".lock", wait=False):
                return False
        except BlockingIOError:
            return True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes on this machine from running this interval.

        :raises RetryableError: another process is running it.
        """
        with ExitStack() as until:
            try:
                until.enter_context(locked(self.path / ".lock", wait=False))
            except BlockingIOError as error:
                raise RetryableError(
                    f"another process is running this interval ({self.path.name})",
                    hint="wait for it to end, then run again",
                ) from error
            yield


@dataclass(frozen=True)
class Staging:
    """The folder or the prefix in S3 for the output of all runs.

    :param path: the folder, or the place for files downloaded from S3.
    :param remote: the prefix in S3, if staging is in S3.
    """

    path: Path
    remote: S3Prefix | None = None

    def run(self, pipeline: str, key: str) -> RunFolder:
        """Return the folder of one data interval: `<staging>/<pipeline>/<run key>/`."""
        remote = self.remote / pipeline / key if self.remote else None
        return RunFolder(self.path / pipeline / key, remote)

    def history(self, pipeline: str) -> RunFolder:
        """Return the folder with the records of a pipeline's runs, which runs only add to."""
        return self.run(pipeline, HISTORY)

    def runs(self, pipeline: str) -> list[RunFolder]:
        """Return the folder of every data interval that was ever run, the oldest first."""
        if self.remote:
            keys = (self.remote / pipeline).folders()
        else:
            keys = [path.name for path in (self.path / pipeline).glob("*Z_*Z")]
        return [self.run(pipeline, key) for key in sorted(filter(_KEY.fullmatch, keys))]
