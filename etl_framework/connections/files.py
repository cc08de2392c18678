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
    """

    path: Path
    name: str
    version: str


class Files(Connection):
    """A place that holds files."""

    @abstractmethod
    def files(self, root: Path, pattern: str, here: Path) -> list[File]:
        """Every file that a pattern such as `streaming-data/*.csv` matches, sorted by name.

        :param root: the project's folder.
        :param here: the folder for those that are brought here.
        :raises DataMissingError: the place does not exist, or the pattern leads out of it.
        """

    def fetch(self, files: Sequence[File]) -> None:
        """Bring files here that are not.

        :raises RetryableError: one changed since it was found, or the place does not answer.
        """
