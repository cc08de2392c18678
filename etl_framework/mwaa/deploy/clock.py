"""The clock that a deploy waits by; tests use a clock of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator

FIRST, LONGEST = 5.0, 60.0


class Clock:
    """Tells the time and waits."""

    def now(self) -> float:
        """Seconds since an arbitrary moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        time.sleep(seconds)

    def polls(self, limit: float) -> Iterator[float]:
        """The seconds waited so far, first at once, then after each of ever longer waits.

        :param limit: the longest time to wait, in seconds.
        """
        start, wait = self.now(), FIRST
        while True:
            waited = self.now() - start
            yield waited
            if waited >= limit:
                return
            self.sleep(min(wait, max(limit - waited, 0.1)))
            wait = min(wait * 1.5, LONGEST)
