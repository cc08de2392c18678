"""Time, as far as a deploy waits for something; a test has one of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator

FIRST, LONGEST = 5.0, 60.0


class Clock:
    """Seconds that pass."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def polls(self, limit: float) -> Iterator[float]:
        """Seconds waited so far, at once and then again after longer and longer waits.

        :param limit: seconds after which it ends.
        """
        start, wait = self.now(), FIRST
        while True:
            waited = self.now() - start
            yield waited
            if waited >= limit:
                return
            self.sleep(min(wait, max(limit - waited, 0.1)))
            wait = min(wait * 1.5, LONGEST)
