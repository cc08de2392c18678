"""Operators for DAGs written by hand: run SQL on Redshift, and move files to their archive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from etl_framework.airflow import _compat
from etl_framework.airflow.errors import airflow_errors
from etl_framework.airflow.runs import Context, ProjectOperator, listening


class RedshiftSqlOperator(ProjectOperator):
    """Runs a statement on Redshift; with the Data API the task leaves the worker meanwhile.

    :param sql: one statement, which may be an Airflow template.
    :param connection: a name in `environments.yml`; if not given, `conn_id` is used.
    :param conn_id: an Airflow connection to Redshift, for use without `connection`.
    :param aws_conn_id: an Airflow connection to AWS, for a login by IAM instead of a password.
    :param deferrable: with the driver `data_api`: wait in the triggerer, not in the worker.
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
        """Run the statement.

        :returns: how many rows the statement changed.
        :raises AirflowFailException: Redshift refuses the statement.
        """
        from etl_framework.connections.redshift.data_api import DataApiSession

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
        """Return the number of changed rows if the statement has ended, else wait again."""
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
        from etl_framework.connections.redshift.connection import Redshift
        from etl_framework.errors import ConfigError

        if not self.connection:
            given = Redshift(type="redshift", conn_id=self.conn_id, aws_conn_id=self.aws_conn_id)
            return given.open_session(self.root_or_here())
        connection = self.workspace().connection(self.connection)
        if not isinstance(connection, Redshift):
            raise ConfigError(f"'{self.connection}' is no connection of type redshift")
        return connection.open_session(self.root())


class ArchiveOperator(ProjectOperator):
    """Moves a pipeline's source files to their `archive` after the results are published.

    `publish` does this by itself. This operator is for a DAG with other steps before the archiving;
    files that are archived already do no harm.

    :param pipeline: the pipeline's name.
    """

    template_fields: Sequence[str] = ("pipeline",)
    ui_color = "#efefef"

    def __init__(self, *, pipeline: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline = pipeline

    def execute(self, context: Context) -> int:
        """Move the files.

        :returns: how many files are in their archive now.
        """
        from etl_framework.run.run import Run

        with airflow_errors():
            return Run(self.plan_of(self.pipeline, context)).archive()
