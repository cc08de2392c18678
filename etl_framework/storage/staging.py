"""Where relations lie between steps: one folder per step, finished when its result is written.

Staging is a folder on this machine, or a prefix in S3. In S3 each attempt at a step has a prefix of
its own, which nothing overwrites; `result.json` names the attempt that counts. Steps always work on
files here, and what lies in S3 is brought here when it is needed.
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
# Files of a source while it is read; they are not part of what a step leaves behind.
FETCHED = "fetched"
# Beside the steps of a run: what people decided, and what is only needed while it is loaded.
KEPT, PASSING = ("decisions", "files"), ("publish", "loads")


@dataclass(frozen=True)
class StepFolder:
    """What one step leaves behind: `data/*.parquet`, `rejected/*.parquet`, `result.json`.

    :param path: here.
    :param remote: in S3, where staging is there.
    """

    path: Path
    remote: S3Prefix | None = None

    def begin(self) -> None:
        """Forget what an earlier attempt left here."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)

    def part(self, name: str) -> Path:
        """A folder inside, made when needed."""
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def files(self, part: str) -> list[str]:
        """The Parquet files of a part, sorted."""
        return sorted(str(file) for file in (self.path / part).glob("*.parquet"))

    def finish(self, outcome: Outcome) -> None:
        """Record the outcome, which makes the step's output count as finished. Atomic."""
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
        """What `finish` recorded; None when the step has not finished."""
        finished = self.finished()
        return finished.outcome if finished else None

    def finished(self) -> Finished | None:
        """The same, with the attempt in S3 that counts."""
        return Finished.read(self.remote.read(RESULT)) if self.remote else self._finished_here()

    def fetch(self) -> StepFolder:
        """Bring the finished output here, if it is not; returns the folder."""
        if self.remote and (finished := self.finished()):
            here = self._finished_here()
            if here is None or here.attempt != finished.attempt:
                self.begin()
                for name, size in finished.sizes.items():
                    self.remote.download(f"{finished.attempt}/{name}", self.path / name, size)
                write_text(self.path / RESULT, finished.written())
        return self

    def bring(self, part: str) -> list[str]:
        """The Parquet files of a part of the finished output, which alone is brought here."""
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
    """All that the runs of one data interval leave in staging."""

    path: Path
    remote: S3Prefix | None = None

    def step(self, name: str) -> StepFolder:
        """The folder of a step, by the name that the plan gives it."""
        return StepFolder(self.path / name, self.remote / name if self.remote else None)

    def names(self, paths: Iterable[str]) -> list[str]:
        """Files of the run as results keep them, so that staging can be moved."""
        return [str(Path(path).relative_to(self.path)) for path in paths]

    def fetch(self, names: Sequence[str]) -> list[str]:
        """Where such files are here, once the steps that made them are brought here."""
        for step in dict.fromkeys(name.partition("/")[0] for name in names):
            self.step(step).fetch()
        return [str(self.path / name) for name in names]

    def uris(self, names: Sequence[str]) -> list[tuple[str, int]]:
        """Where such files are in S3, and how many bytes they have; staging must be there."""
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
        """A small text of the run; None when it is not there."""
        if self.remote:
            found = self.remote.read(name)
            return None if found is None else found.decode()
        file = self.path / name
        return file.read_text(encoding="utf-8") if file.is_file() else None

    def write(self, name: str, text: str) -> None:
        """Write such a text. Atomic."""
        if self.remote:
            self.remote.write(name, text.encode())
        else:
            write_text(self.path / name, text)

    def sweep(self, before: datetime) -> int:
        """Delete from S3 what no result names, if it is older; returns how many objects.

        That is what attempts left that were killed or done again, and manifests.
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
        """Keep other processes of this machine out of this interval.

        :raises RetryableError: another process is in it.
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
    """Where all runs leave what they make.

    :param path: the folder, or where files of S3 are while they are used.
    """

    path: Path
    remote: S3Prefix | None = None

    def run(self, pipeline: str, key: str) -> RunFolder:
        """The folder of one data interval: `<staging>/<pipeline>/<run key>/`."""
        remote = self.remote / pipeline / key if self.remote else None
        return RunFolder(self.path / pipeline / key, remote)

    def runs(self, pipeline: str) -> list[RunFolder]:
        """The folder of each data interval that was ever run, the oldest first."""
        if self.remote:
            keys = (self.remote / pipeline).folders()
        else:
            keys = [path.name for path in (self.path / pipeline).glob("*Z_*Z")]
        return [self.run(pipeline, key) for key in sorted(keys)]


def write_text(file: Path, text: str) -> None:
    """Write a file, all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
