"""The list of a source's files that were moved to an archive; their interval can still use them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from etl_framework.storage.staging import RunFolder


@dataclass(frozen=True)
class Archived:
    """A file that a run of the interval read and moved.

    :param name: its name when it was read; `place` is its name in the archive.
    :param version: its version when it was read.
    :param tag: its version in the archive, which differs if S3 copied a large file in other parts;
        empty until the move is confirmed.
    """

    name: str
    version: str
    place: str
    tag: str = ""

    def is_still(self, version: str | None) -> bool:
        """Return whether the file in the archive is the one that was read.

        :param version: the version that `place` has now; None if nothing is there.
        """
        if version is None:
            return False
        # 123:5d41402abc4b2a76-2 is the version of an object of 123 bytes in two parts.
        parts = not self.tag and "-" in version
        same_size = version.partition(":")[0] == self.version.partition(":")[0]
        return version in (self.version, self.tag) or (parts and same_size)


def archived(run: RunFolder, relation: str) -> tuple[Archived, ...]:
    """Return every file of a source that a run moved to the archive.

    :raises BrokenStateError: the list of these files is not as it was written.
    """
    try:
        listed = (run.read(_name(relation)) or {"files": ()})["files"]
        return tuple(Archived(*map(str, entry)) for entry in listed)
    except (KeyError, TypeError) as error:
        raise run.spoiled(_name(relation)) from error


def remember(run: RunFolder, relation: str, files: Iterable[Archived]) -> None:
    """Write the list of files, atomically; they are moved only when they are in it."""
    run.write(_name(relation), {"files": [astuple(file) for file in files]})


def _name(relation: str) -> str:
    return f"files/{relation}.json"
