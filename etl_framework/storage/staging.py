"""Staging keeps relations between steps: one folder per step, finished when its result is written.

Staging is a folder on this machine or a prefix in S3. In S3, each attempt at a step has its own
prefix, which nothing overwrites, and `result.json` names the valid attempt. Steps always work on
files of this machine; files in S3 are downloaded when they are needed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from etl_framework.errors import RetryableError
from etl_framework.storage.outcome import Finished, Outcome
from etl_framework.storage.s3 import S3Prefix

RESULT = "result.json"
# The folder for a source's files while they are read; it is not part of a step's output.
FETCHED = "fetched"
# Other folders of a run, beside those of steps. `sweep` keeps the first two; the others are only
# needed during a load, and `sweep` deletes them when they are old.
KEPT, PASSING = ("decisions", "files"), ("publish", "loads")


@dataclass(frozen=True)
class StepFolder:
    """The output of one step: `data/*.parquet`, `rejected/*.parquet`, `result.json`.

    :param path: the folder on this machine.
    :param remote: the prefix in S3, if staging is in S3.
    """

    path: Path
    remote: S3Prefix | None = None

    def begin(self) -> None:
        """Delete what an earlier attempt left on this machine."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)

    def part(self, name: str) -> Path:
        """Return a folder inside this folder; create it if it does not exist."""
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def files(self, part: str) -> list[str]:
        """Return the Parquet files of a part, sorted."""
        return sorted(str(file) for file in (self.path / part).glob("*.parquet"))

    def finish(self, outcome: Outcome) -> None:
        """Record the outcome atomically; after that, the step's output counts as finished."""
        shutil.rmtree(self.path / FETCHED, ignore_errors=True)
        finished = Finished(outcome)
        if self.remote:
            attempt, sizes = secrets.token_hex(8), {}
            for file in sorted(path for path in self.path.rglob("*") if path.is_file()):
                name = str(file.relative_to(self.path))
                self.remote.upload(file, f"{attempt}/{name}")
                sizes[name] = file.stat().st_size
            finished = Finished(outcome, attempt, sizes)
        text = finished.written()
        write_text(self.path / RESULT, text)
        if self.remote:
            self.remote.write(RESULT, text.encode())

    def outcome(self) -> Outcome | None:
        """Return the outcome that `finish` recorded, or None if the step has not finished."""
        finished = self.finished()
        return finished.outcome if finished else None

    def finished(self) -> Finished | None:
        """Return the outcome together with the valid attempt in S3; None if not finished."""
        return Finished.read(self.remote.read(RESULT)) if self.remote else self._finished_here()

    def fetch(self) -> StepFolder:
        """Download the finished output from S3 if it is not here yet, and return this folder."""
        if self.remote and (finished := self.finished()):
            here = self._finished_here()
            if here is None or here.attempt != finished.attempt:
                self.begin()
                for name, size in finished.sizes.items():
                    self.remote.download(f"{finished.attempt}/{name}", self.path / name, size)
                write_text(self.path / RESULT, finished.written())
        return self

    def bring(self, part: str) -> list[str]:
        """Return the Parquet files of one part of the finished output; download only this part."""
        if not self.remote:
            return self.files(part)
        finished, files = self.finished(), []
        for name, size in finished.sizes.items() if finished else ():
            if finished and name.startswith(f"{part}/") and name.endswith(".parquet"):
                here = self.path / f".{finished.attempt}" / name
                if not here.is_file():
                    self.remote.download(f"{finished.attempt}/{name}", here, size)
                files.append(str(here))
        return sorted(files)

    def _finished_here(self) -> Finished | None:
        try:
            return Finished.read((self.path / RESULT).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None


@dataclass(frozen=True)
class RunFolder:
    """The folder in staging for all runs of one data interval."""

    path: Path
    remote: S3Prefix | None = None

    def step(self, name: str) -> StepFolder:
        """Return the folder of a step, by the step's name in the plan."""
        return StepFolder(self.path / name, self.remote / name if self.remote else None)

    def names(self, paths: Iterable[str]) -> list[str]:
        """Return files relative to the run's folder, so that staging can be moved."""
        return [str(Path(path).relative_to(self.path)) for path in paths]

    def fetch(self, names: Sequence[str]) -> list[str]:
        """Return the paths of such files on this machine; download the steps that made them."""
        for step in dict.fromkeys(name.partition("/")[0] for name in names):
            self.step(step).fetch()
        return [str(self.path / name) for name in names]

    def uris(self, names: Sequence[str]) -> list[tuple[str, int]]:
        """Return the addresses of such files in S3 and their sizes; staging must be in S3."""
        uris = []
        steps: dict[str, Finished | None] = {}
        for name in names:
            step, _, file = name.partition("/")
            folder = self.step(step)
            if step not in steps:
                steps[step] = folder.finished()
            if folder.remote and (finished := steps[step]):
                uri = folder.remote.uri(f"{finished.attempt}/{file}")
                uris.append((uri, finished.sizes[file]))
        return uris

    def read(self, name: str) -> str | None:
        """Read a small text file of the run; return None if it does not exist."""
        if self.remote:
            data = self.remote.read(name)
            return None if data is None else data.decode()
        file = self.path / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def write(self, name: str, text: str) -> None:
        """Write a small text file of the run, atomically."""
        if self.remote:
            self.remote.write(name, text.encode())
        else:
            write_text(self.path / name, text)

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

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes on this machine from running this interval.

        :raises RetryableError: another process is running it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise RetryableError(
                f"another process is running this interval ({self.path.name})",
                hint="wait for it to end, then run again",
            ) from error
        try:
            yield
        finally:
            os.close(handle)


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

    def runs(self, pipeline: str) -> list[RunFolder]:
        """Return the folder of every data interval that was ever run, the oldest first."""
        if self.remote:
            keys = (self.remote / pipeline).folders()
        else:
            keys = [path.name for path in (self.path / pipeline).glob("*Z_*Z")]
        return [self.run(pipeline, key) for key in sorted(keys)]


def write_text(file: Path, text: str) -> None:
    """Write a file atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
