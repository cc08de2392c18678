"""Do something again, a little later each time."""

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
    """What an attempt gives, the fourth at the latest.

    :param on: the error after which it is tried again.
    :raises EtlError: the last attempt failed, or one in a way that is not tried again.
    """
    stopped = Event()
    work.on_cancel(stopped.set)
    for wait in WAITS:
        try:
            return attempt()
        except on:
            # Not all runs at the same moment again.
            if stopped.wait(wait * random.uniform(0.5, 1.5)):
                raise
    return attempt()
