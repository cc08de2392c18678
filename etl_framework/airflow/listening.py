"""Waiting for a driver in such a way that signals are heard: Airflow stops a task by SIGTERM."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def listening(work: Callable[[], Result]) -> Result:
    """What comes of `work`, done in another thread.

    A handler of signals runs in the main thread only, and never while that waits in a library's C
    code, as psycopg2 does until its statement has ended; so `on_kill` would come too late.
    """
    done: Future[Result] = Future()
    context = copy_context()

    def target() -> None:
        try:
            done.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            done.set_exception(error)

    Thread(target=target, daemon=True).start()
    return done.result()
