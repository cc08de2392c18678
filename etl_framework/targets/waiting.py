"""Waits for locks have an end, and the error says who held what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from etl_framework.errors import RetryableError


@dataclass(frozen=True)
class Holder:
    """A session of the database that holds a lock of a table."""

    table: str
    process: int
    user: str
    since: datetime | str | None

    def __str__(self) -> str:
        since = f" since {str(self.since)[:19]}" if self.since else ""
        return f"process {self.process} of user '{self.user}' holds '{self.table}'{since}"


def waited(seconds: int, holders: Sequence[Holder]) -> RetryableError:
    """The error of a wait that was given up."""
    long = "1 second" if seconds == 1 else f"{seconds} seconds"
    return RetryableError(
        f"waited {long} (lock_timeout): {'; '.join(map(str, holders))}",
        hint="let that session end its transaction, or ask the database to end the session",
    )
