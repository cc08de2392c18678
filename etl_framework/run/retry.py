"""Try something several times, with increasing waits."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from etl_framework.engines.work import Work
from etl_framework.errors import RetryableError

T = TypeVar("T")
# Seconds between attempts.
WAITS = (0.5, 2.0, 8.0)


def until_it_passes(
    work: Work, attempt: Callable[[], T], on: type[RetryableError] = RetryableError
) -> T:
    """Return the result of the first attempt that succeeds, out of at most four.

    :param on: the error after which there is another attempt.
    :raises EtlError: the last attempt failed, or an attempt failed with another error.
    """
    stopped = Event()
    work.on_cancel(stopped.set)
    for wait in WAITS:
        try:
            return attempt()
        except on:
            # Waits are random, so that several runs do not all try again at the same moment.
            if stopped.wait(wait * random.uniform(0.5, 1.5)):
                raise
    return attempt()
