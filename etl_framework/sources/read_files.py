"""Which files of a source were read before, so that each is read by one data interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etl_framework.connections.files import File


@dataclass(frozen=True)
class ReadFiles:
    """The files of a source that were published, as the ledger says.

    :param own: those of the data interval, by name, with their versions.
    :param others: those of the other data intervals.
    :param takes_new: whether files that none has read are its own, too.
    """

    own: Mapping[str, str]
    others: Mapping[str, str]
    takes_new: bool

    def of_interval(self, present: Sequence[File]) -> list[File]:
        """The files that the interval reads: its own, as they are now, and new ones.

        A file that another interval has read is never new, also if it has changed since.
        """
        return [
            file
            for file in present
            if file.name in self.own or (self.takes_new and file.name not in self.others)
        ]

    def gone(self, present: Sequence[File]) -> list[str]:
        """The names of the interval's own files that are not there any more."""
        return sorted(set(self.own) - {file.name for file in present})
