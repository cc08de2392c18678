"""Wait for a driver and still react to signals: Airflow stops a task by SIGTERM."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def listening(work: Callable[[], Result]) -> Result:
    """Call `work` in another thread and return its result.

    Python runs signal handlers only in the main thread, and never while it waits in C code, as
    psycopg2 does until a statement has ended. Without this function `on_kill` would come too late.
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
