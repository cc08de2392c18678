"""Sensors that wait for files to arrive, or for a table to be fresh."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from etl_framework.airflow.runs import Context
from etl_framework.airflow.waiting import WaitingOperator

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan


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
        from etl_framework.targets.base import open_warehouse

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
    from etl_framework.errors import PlanError
    from etl_framework.sources.files import FilesSource
    from etl_framework.storage.archived import archived

    block = plan.step(f"extract.{source}").block
    place = plan.environment.connections.get(getattr(block, "connection", ""))
    if not isinstance(block, FilesSource) or not isinstance(place, Files):
        raise PlanError(f"'{source}' is no source of files")
    run = plan.workspace.staging.run(plan.pipeline.name, plan.interval.key)
    files = block.present(place, plan.root, plan.interval, run.path)
    return [file.name for file in files] + [name for name, _ in archived(run, source)]


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value if isinstance(value, datetime) else None
