"""SQL on Redshift, and files that go to their archive, for DAGs written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from etl_framework.airflow import _compat
from etl_framework.airflow.failing import airflow_errors
from etl_framework.airflow.listening import listening
from etl_framework.airflow.runs import Context, ProjectOperator


class RedshiftSqlOperator(ProjectOperator):
    """Runs a statement on Redshift; by the Data API it leaves the worker while it runs.

    :param sql: one statement, a template of Airflow.
    :param connection: a name in `environments.yml`; if not given, `conn_id` is used.
    :param conn_id: a connection of Airflow, for projects that name none.
    :param aws_conn_id: a connection of Airflow to AWS, where IAM lets in instead of a password.
    :param deferrable: with the driver `data_api`: wait in the triggerer.
    """

    template_fields: Sequence[str] = ("sql", "connection", "conn_id", "aws_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}
    ui_color = "#f9cb9c"

    def __init__(
        self,
        *,
        sql: str,
        connection: str | None = None,
        conn_id: str = "redshift_default",
        aws_conn_id: str = "aws_default",
        deferrable: bool = True,
        poke_interval: float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sql = sql
        self.connection = connection
        self.conn_id = conn_id
        self.aws_conn_id = aws_conn_id
        self.deferrable = deferrable
        self.poke_interval = poke_interval
        self._session: Any = None

    def execute(self, context: Context) -> int | None:
        """Run it.

        :returns: how many rows it changed.
        :raises AirflowFailException: Redshift refuses it.
        """
        from etl_framework.connections.redshift_data import DataApiSession

        with airflow_errors():
            self._session = self._open()
            if not (self.deferrable and isinstance(self._session, DataApiSession)):
                try:
                    result = listening(lambda: self._session.run(self.sql))
                    return int(result.changed)
                finally:
                    self._session.close()
            statement = self._session.submit(self.sql)
        self._leave(statement)
        return None

    def go_on(self, context: Context, event: Any = None, statement: str = "") -> int | None:
        """Look whether it has ended."""
        with airflow_errors():
            self._session = self._open()
            changed = self._session.ended(statement)
        if changed is None:
            self._leave(statement)
        return None if changed is None else int(changed)

    def on_kill(self) -> None:
        """Stop the statement."""
        if self._session:
            self._session.cancel()

    def _leave(self, statement: str) -> None:
        trigger = _compat.later(self.poke_interval)
        self.defer(trigger=trigger, method_name="go_on", kwargs={"statement": statement})

    def _open(self) -> Any:
        from etl_framework.connections.redshift import Redshift
        from etl_framework.errors import ConfigError

        if not self.connection:
            given = Redshift(type="redshift", conn_id=self.conn_id, aws_conn_id=self.aws_conn_id)
            return given.open_session(self.root_or_here())
        found = self.connection_of(self.connection)
        if not isinstance(found, Redshift):
            raise ConfigError(f"'{self.connection}' is no connection of type redshift")
        return found.open_session(self.root())


class ArchiveOperator(ProjectOperator):
    """Moves the files of a pipeline's sources that have an `archive`, once they are published.

    `publish` does so by itself; this is for a DAG that has steps of its own in between, and
    repeats it without harm.

    :param pipeline: the pipeline's name.
    """

    template_fields: Sequence[str] = ("pipeline",)
    ui_color = "#efefef"

    def __init__(self, *, pipeline: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline

    def execute(self, context: Context) -> int:
        """Move them.

        :returns: how many files are in their archive.
        """
        from etl_framework.run.run import Run

        with airflow_errors():
            return Run(self.plan_of(self.pipeline, context)).archive()
