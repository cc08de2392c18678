"""Sensors that wait for files to arrive, or for a table to be fresh."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from etl_framework.airflow import _compat
from etl_framework.airflow.errors import airflow_errors
from etl_framework.airflow.runs import Context, ProjectOperator

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan


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


class FilesSensor(WaitingOperator):
    """Waits for the files of a source for the run's data interval.

    :param pipeline: the pipeline's name.
    :param source: the source's name.
    :param at_least: the number of files to wait for.
    """

    template_fields: Sequence[str] = ("pipeline", "source")
    ui_color = "#d0e0e3"

    def __init__(self, *, pipeline: str, source: str, at_least: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.source = source
        self.at_least = at_least

    def look(self, context: Context) -> list[str] | None:
        names = files_there(self.plan_of(self.pipeline, context), self.source)
        return names if len(names) >= self.at_least else None

    def missing(self) -> str:
        return f"the files of '{self.source}' are not there"


class FreshnessSensor(WaitingOperator):
    """Waits until the newest row of a table is new enough.

    :param connection: a name in `environments.yml`; if not given, `conn_id` is used.
    :param conn_id: an Airflow connection to Redshift, for use without `connection`.
    :param table: the table, with its schema if it has one.
    :param column: a column of dates or timestamps; without a time zone they are taken as UTC.
    :param max_age: how old the newest row may be, in seconds, at the end of the data interval, or
        now if the run has no data interval.
    """

    template_fields: Sequence[str] = ("connection", "conn_id", "table", "column")
    ui_color = "#d0e0e3"

    def __init__(
        self,
        *,
        table: str,
        column: str,
        max_age: float,
        connection: str | None = None,
        conn_id: str = "redshift_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.connection = connection
        self.conn_id = conn_id
        self.table = table
        self.column = column
        self.max_age = max_age

    def look(self, context: Context) -> str | None:
        from etl_framework.sql.quote import quote, quote_table
        from etl_framework.targets.warehouses import open_warehouse

        with open_warehouse(self._place(), self.root_or_here(), read_only=True) as warehouse:
            sql = f"SELECT MAX({quote(self.column)}) FROM {quote_table(self.table)}"
            newest = _moment(next(iter(warehouse.query(sql)[1]))[0])
        until = context.get("data_interval_end") or datetime.now(UTC)
        if newest is None or newest < until - timedelta(seconds=self.max_age):
            return None
        return newest.isoformat()

    def missing(self) -> str:
        return f"'{self.table}' has no row new enough"

    def _place(self) -> Any:
        from etl_framework.connections.redshift.connection import Redshift

        if self.connection:
            return self.workspace().connection(self.connection)
        return Redshift(type="redshift", conn_id=self.conn_id)


def files_there(plan: Plan, source: str) -> list[str]:
    """The names of a source's files, including those that an earlier try has archived."""
    from etl_framework.connections.files import Files
    from etl_framework.engines.read_files import read_files
    from etl_framework.errors import PlanError
    from etl_framework.sources.files import FilesSource
    from etl_framework.storage.archive import archived

    block = plan.step(f"extract.{source}").block
    place = plan.environment.connections.get(getattr(block, "connection", ""))
    if not isinstance(block, FilesSource) or not isinstance(place, Files):
        raise PlanError(f"'{source}' is no source of files")
    run = plan.workspace.staging.run(plan.pipeline.name, plan.interval.key)
    read = read_files(plan, source)
    files = block.present(place, plan.root, plan.interval, run.path, read)
    return [file.name for file in files] + [file.name for file in archived(run, source)]


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value if isinstance(value, datetime) else None
