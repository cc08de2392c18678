"""Where relations lie between steps: one folder per step, finished when its result is written."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl_framework.errors import RetryableError

RESULT = "result.json"


@dataclass(frozen=True)
class StepFolder:
    """What one step leaves behind: `data/*.parquet`, `rejected/*.parquet`, `result.json`."""

    path: Path

    def begin(self) -> None:
        """Forget what an earlier attempt left."""
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

    def finish(self, result: dict[str, Any]) -> None:
        """Write the result, which makes the step's output count as finished. Atomic."""
        draft = self.path / f".{RESULT}"
        draft.write_text(json.dumps(result, indent=1, default=str), encoding="utf-8")
        draft.replace(self.path / RESULT)

    def result(self) -> dict[str, Any] | None:
        """What `finish` wrote; None when the step has not finished."""
        try:
            found = json.loads((self.path / RESULT).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True)
class RunFolder:
    """All that one run of one data interval leaves in staging."""

    path: Path

    def step(self, name: str) -> StepFolder:
        """The folder of a step, by the name that the plan gives it."""
        return StepFolder(self.path / name)

    def names(self, paths: Iterable[str]) -> list[str]:
        """Files of the run as results keep them, so that staging can be moved."""
        return [str(Path(path).relative_to(self.path)) for path in paths]

    def paths(self, names: Iterable[str]) -> list[str]:
        """Where such files are now."""
        return [str(self.path / name) for name in names]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of this interval.

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


def run_folder(staging: Path, pipeline: str, key: str) -> RunFolder:
    """The folder of one run: `<staging>/<pipeline>/<run key>/`."""
    return RunFolder(staging / pipeline / key)
