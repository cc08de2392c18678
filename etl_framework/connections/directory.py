"""A folder of files, in place of S3 outside production."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from etl_framework.connections.base import inside
from etl_framework.connections.files import File, Files, written_at
from etl_framework.connections.lookup import resolve
from etl_framework.errors import DataMissingError


class Directory(Files):
    """A folder on this machine that stands for a bucket."""

    type: Literal["directory"]
    path: str = Field(
        examples=["sample_data/lake"], description="The folder, from the project's root."
    )

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        return "file", str(inside(root, resolve(self.path, setting="path")) / what)

    def folders(self, root: Path) -> tuple[Path, ...]:
        return (inside(root, resolve(self.path, setting="path")),)

    def files(self, root: Path, pattern: str, here: Path) -> list[File]:
        folder = inside(root, resolve(self.path, setting="path"))
        if not folder.is_dir():
            raise DataMissingError(
                f"the folder {self.path} does not exist", hint="`make demo` makes the sample data"
            )
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise DataMissingError(f"the pattern '{pattern}' leads out of the folder {self.path}")
        try:
            paths = sorted(path for path in folder.glob(pattern) if path.is_file())
        except ValueError as error:
            raise DataMissingError(f"'{pattern}' is no pattern of files: {error}") from error
        return [_file(folder, str(path.relative_to(folder))) for path in paths]

    def version_of(self, root: Path, name: str) -> str | None:
        folder = inside(root, resolve(self.path, setting="path"))
        return _file(folder, name).version if (folder / name).is_file() else None

    def moved_file(self, root: Path, name: str, version: str, to: str, here: Path) -> File:
        folder = inside(root, resolve(self.path, setting="path"))
        return File(folder / to, name, version, to)

    def move(self, root: Path, files: Sequence[tuple[str, str, str]]) -> None:
        folder = inside(root, resolve(self.path, setting="path"))
        for name, version, to in files:
            if (folder / name).is_file() and _file(folder, name).version == version:
                (folder / to).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).replace(folder / to)


def _file(folder: Path, name: str) -> File:
    status = (folder / name).stat()
    modified = written_at(datetime.fromtimestamp(status.st_mtime, UTC))
    return File(folder / name, name, f"{status.st_size}:{status.st_mtime_ns}", modified=modified)
