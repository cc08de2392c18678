"""Connections to files that sources read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from etl_framework.connections.base import Connection


@dataclass(frozen=True)
class File:
    """A file that a source reads.

    :param path: its local path, once it has been fetched.
    :param name: the name that rejected rows show.
    :param version: a text that changes when the file changes.
    :param moved: its name now, if it was moved after it was read.
    :param modified: when it was last written, as ISO 8601 in UTC; empty if it was not listed.
    """

    path: Path
    name: str
    version: str
    moved: str = ""
    modified: str = field(default="", compare=False)

    @property
    def place(self) -> str:
        """The name of the file now."""
        return self.moved or self.name


def written_at(moment: datetime) -> str:
    """The text that `File.modified` has for a moment."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


class Files(Connection):
    """A place that holds files."""

    @abstractmethod
    def files(self, root: Path, pattern: str, here: Path) -> list[File]:
        """Return the files that match a pattern such as `streaming-data/*.csv`, sorted by name.

        :param root: the project's folder.
        :param here: the local folder for files that are fetched.
        :raises DataMissingError: the place does not exist, or the pattern leads out of it.
        """

    @abstractmethod
    def version_of(self, root: Path, name: str) -> str | None:
        """Return the version that a file has now; None if there is no such file.

        :raises RetryableError: the place does not answer.
        """

    @abstractmethod
    def moved_file(self, root: Path, name: str, version: str, to: str, here: Path) -> File:
        """Return the file that `move` moved from `name` to `to`."""

    @abstractmethod
    def move(self, root: Path, files: Sequence[tuple[str, str, str]]) -> None:
        """Move files; skip a file that is gone or has changed.

        :param files: name, version and new name of every file.
        :raises RetryableError: the place does not answer.
        """

    def fetch(self, files: Sequence[File]) -> None:
        """Fetch the files that have no local copy yet.

        :raises RetryableError: a file has changed since it was listed, or no answer comes.
        """
