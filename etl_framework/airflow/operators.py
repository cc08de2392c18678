"""An operator for each kind of step; thin over the runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from etl_framework.airflow._compat import AirflowException, AirflowFailException, BaseOperator

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval, Schedule
    from etl_framework.plan import Plan
    from etl_framework.runner import Run, StepResult

Context = Mapping[str, Any]


class StepOperator(BaseOperator):
    """Does one step of a pipeline's plan for the run's data interval.

    :param pipeline: the pipeline's name.
    :param step: the step's name, as `etl plan` shows it; the task's id if not given.
    :param environment: a name in `environments.yml`; the file's default if not given.
    :param project: the project's folder; that of the DAG file if not given.
    :param sql: what is shown before the task has run; then it is the SQL that ran.
    :param group: the name of a task group that the DAG has; the task's id stays the step's name.
    """

    template_fields: Sequence[str] = ("pipeline", "step", "environment", "sql")
    template_fields_renderers: ClassVar[dict[str, str]] = {"sql": "sql"}
    ui_color = "#e8eef4"
    ui_fgcolor = "#1b2a38"

    def __init__(
        self,
        *,
        pipeline: str,
        step: str | None = None,
        environment: str | None = None,
        project: str | None = None,
        sql: str = "",
        group: str | None = None,
        **kwargs: Any,
    ) -> None:
        if group:
            kwargs["task_group"] = kwargs["dag"].task_group_dict[group]
        super().__init__(**kwargs)
        self.pipeline = pipeline
        self.step = step or self.task_id
        self.environment = environment
        self.project = project
        self.sql = sql
        self._run: Run | None = None

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Show the SQL of this run's data interval; it holds no templates of Airflow."""
        shown, self.sql = self.sql, ""
        super().render_template_fields(context, jinja_env)
        try:
            self.sql = self._plan(context).step(self.step).sql
        except Exception:  # noqa: BLE001 - the task itself will say what is wrong
            self.sql = shown

    def execute(self, context: Context) -> dict[str, Any]:
        """Do the step.

        :returns: counts, and the results of checks.
        :raises AirflowFailException: what trying again does not mend: a check, a wrong file.
        :raises AirflowException: what it may: a connection was lost.
        """
        from etl_framework.airflow.lookup import AirflowLookup
        from etl_framework.connections.lookup import use
        from etl_framework.errors import EtlError, RetryableError
        from etl_framework.runner import Run

        use(AirflowLookup())
        try:
            plan = self._plan(context)
            self.log.info("%s of %s in %s, data interval %s", self.step, self.pipeline,
                          plan.environment_name, plan.interval)  # fmt: skip
            self._run = Run(plan)
            result = self._run.one_step(self.step)
        except RetryableError as error:
            raise AirflowException(str(error)) from None
        except EtlError as error:
            self._tell_checks(getattr(error, "checks", ()))
            raise AirflowFailException(str(error)) from None
        self._tell(plan, result)
        return {"state": result.state, **result.counts}

    def on_kill(self) -> None:
        """Stop the statement that is running."""
        if self._run:
            self._run.cancel()

    def _plan(self, context: Context) -> Plan:
        from etl_framework.airflow.dags import project_of
        from etl_framework.config.project import load_project
        from etl_framework.errors import ConfigError
        from etl_framework.plan import build_plan

        root = Path(self.project) if self.project else project_of(Path(self.dag.fileloc))
        project = load_project(root)
        found = project.pipeline(self.pipeline)
        if found.model is None:
            raise ConfigError(found.file.diagnostics)
        interval = interval_of(context, found.model.cut())
        return build_plan(project, self.pipeline, self.environment, interval)

    def _tell(self, plan: Plan, result: StepResult) -> None:
        if sql := plan.step(self.step).sql:
            self.log.info("SQL:\n%s", sql)
        self._tell_checks(result.checks)
        counts = ", ".join(f"{count:,} {name}" for name, count in result.counts.items())
        how = "its output was there already" if result.state == "reused" else "done"
        self.log.info("%s: %s in %.2f s; %s", self.step, how, result.seconds, counts)

    def _tell_checks(self, checks: Sequence[Any]) -> None:
        for check in checks:
            note = check.note or f"{check.failing} of {check.rows} rows"
            say = self.log.warning if check.status != "pass" else self.log.info
            say("check %s of %s: %s, %s", check.check, check.relation, check.status, note)


class ExtractOperator(StepOperator):
    """Reads a source into staging."""

    ui_color = "#d9ead3"


class CheckOperator(StepOperator):
    """Checks a relation; takes rows out of it that go to quarantine."""

    ui_color = "#fff2cc"


class TransformOperator(StepOperator):
    """Makes a relation of others."""

    ui_color = "#cfe2f3"


class KpiOperator(StepOperator):
    """Computes a result."""

    ui_color = "#d9d2e9"


class PublishOperator(StepOperator):
    """Loads all results into their tables, in one transaction."""

    ui_color = "#f4cccc"


def interval_of(context: Context, schedule: Schedule) -> DataInterval:
    """The data interval of a run; the latest complete one for a run that has none.

    Runs by hand have none in Airflow 3, and one without length where there is no schedule.
    """
    from etl_framework.interval import DataInterval

    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start and end and start < end:
        return DataInterval(_in(start, schedule.timezone), _in(end, schedule.timezone))
    run = context.get("dag_run")
    asked = context.get("logical_date") or getattr(run, "run_after", None)
    return schedule.latest(_in(asked or datetime.now(schedule.timezone), schedule.timezone))


def _in(moment: datetime, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment.timestamp(), zone)
