"""Wait without occupying a worker: a task looks, and if there is nothing yet, looks again later."""

from __future__ import annotations

import time
from typing import Any

from etl_framework.airflow import _compat
from etl_framework.airflow.errors import airflow_errors
from etl_framework.airflow.runs import Context, ProjectOperator


class WaitingOperator(ProjectOperator):
    """Looks for something again and again until it is there.

    :param poke_interval: seconds between two looks.
    :param wait_seconds: how long to wait before failing; 0 to look only once.
    :param deferrable: leave the worker between two looks instead of sleeping in it.
    """

    def __init__(
        self,
        *,
        poke_interval: float = 60.0,
        wait_seconds: float = 6 * 3600.0,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.poke_interval = poke_interval
        self.wait_seconds = wait_seconds
        self.deferrable = deferrable

    def look(self, context: Context) -> Any:
        """Return what is there now, or None if the task has to wait longer."""
        raise NotImplementedError

    def missing(self) -> str:
        """What is missing, for the message."""
        raise NotImplementedError

    def proceed(self, context: Context, what: Any) -> Any:
        """Go on with what `look` returned; return the task's result."""
        return what

    def execute(self, context: Context) -> Any:
        """Look, and wait.

        :raises AirflowFailException: there was nothing in time.
        """
        return self.look_again(context, since=time.time())

    def look_again(self, context: Context, event: Any = None, *, since: float) -> Any:
        """Look once more, after a wait."""
        while True:
            with airflow_errors():
                what = self.look(context)
            if what is not None:
                return self.proceed(context, what)
            if time.time() - since >= self.wait_seconds:
                raise _compat.AirflowFailException(
                    f"{self.missing()}, and {self.wait_seconds:.0f} seconds were waited"
                )
            self.log.info("%s yet; looking again in %.0f s", self.missing(), self.poke_interval)
            if self.deferrable:
                self.defer(
                    trigger=_compat.later(self.poke_interval),
                    method_name="look_again",
                    kwargs={"since": since},
                )
            time.sleep(self.poke_interval)
