"""Files that sources read, wherever they lie."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from etl_framework.connections.base import Connection


@dataclass(frozen=True)
class File:
    """A file found: its path, the name that rejected rows show, and what tells versions apart.

    :param path: where it is here, once it is brought here.
    :param moved: where it lies now, when it was moved after it was read.
    """

    path: Path
    name: str
    version: str
    moved: str = ""

    @property
    def place(self) -> str:
        """Where it lies."""
        return self.moved or self.name


class Files(Connection):
    """A place that holds files."""

    @abstractmethod
    def files(self, root: Path, pattern: str, here: Path) -> list[File]:
        """Every file that a pattern such as `streaming-data/*.csv` matches, sorted by name.

        :param root: the project's folder.
        :param here: the folder for those that are brought here.
        :raises DataMissingError: the place does not exist, or the pattern leads out of it.
        """

    @abstractmethod
    def moved_file(self, root: Path, name: str, version: str, to: str, here: Path) -> File:
        """A file that `move` moved, as it was when it was found."""

    @abstractmethod
    def move(self, root: Path, files: Sequence[tuple[str, str, str]]) -> None:
        """Move files; one that is gone, or is another one now, stays out of it.

        :param files: of each its name, its version, and where it goes.
        :raises RetryableError: the place does not answer.
        """

    def fetch(self, files: Sequence[File]) -> None:
        """Bring files here that are not.

        :raises RetryableError: one changed since it was found, or the place does not answer.
        """
