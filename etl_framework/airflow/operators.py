"""An operator for every kind of step; a thin layer over the runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from etl_framework.airflow._compat import keep_link
from etl_framework.airflow.errors import airflow_errors
from etl_framework.airflow.links import RunReport
from etl_framework.airflow.runs import (
    Context,
    ProjectOperator,
    asked_for,
    dag_run_of,
    listening,
)
from etl_framework.airflow.sensors import WaitingOperator

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.run.run import Run, StepResult


class StepOperator(ProjectOperator):
    """Runs one step of a pipeline's plan for the run's data interval.

    :param pipeline: the pipeline's name.
    :param step: the step's name, as `etl plan` shows it; if not given, the task's id.
    :param notify: the channels for checks that warn, as under `notify:` in the pipeline's file.
    :param report_url: where people read the report, `https://…`; the task then links to its run.
    :param sql: the SQL to show before the task runs; later Airflow shows the SQL that ran.
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
        sql: str = "",
        notify: Sequence[Mapping[str, Any]] = (),
        report_url: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.notify = list(notify)
        self.report_url = report_url
        self.link = ""
        if report_url:
            self.operator_extra_links = (RunReport(),)
        self.pipeline = pipeline
        self.step = step or self.task_id
        self.sql = sql
        self._run: Run | None = None
        self._done: tuple[Plan, StepResult] | None = None

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Show the SQL of this run's data interval, and do not render it as an Airflow template."""
        shown, self.sql = self.sql, ""
        super().render_template_fields(context, jinja_env)
        try:
            self.sql = self.plan_of(self.pipeline, context).step(self.step).sql
        except Exception:  # noqa: BLE001 - the task itself will say what is wrong
            self.sql = shown

    def execute(self, context: Context) -> Any:
        """Run the step.

        :returns: the step's counts, and its state: done, or reused if its output was there already.
        :raises AirflowFailException: an error that a retry cannot mend: a check, a wrong file.
        :raises AirflowException: an error that a retry may mend: a connection was lost.
        """
        from etl_framework.errors import CheckFailedError
        from etl_framework.run.run import Run

        with airflow_errors():
            plan = self.plan_of(self.pipeline, context)
            keep_link(self, context, self.page_of(context))
            self.log.info(
                "%s of %s in %s, data interval %s",
                self.step,
                self.pipeline,
                plan.environment_name,
                plan.interval,
            )
            self._run = run = Run(plan, **asked_for(context), how=dag_run_of(context))
            with airflow_errors(connections_of(plan, self.step)):
                try:
                    result = listening(lambda: run.one_step(self.step))
                except CheckFailedError as error:
                    self._tell_checks(error.checks)
                    raise
        self._done = plan, result
        self._tell(plan, result)
        self._tell_later(plan)
        self._warn(result, context)
        return {"state": result.state, **result.counts}

    def page_of(self, context: Context) -> str:
        """The address of the run's page in the report; empty if nothing says where that is."""
        from etl_framework.report.render import run_page

        run = dag_run_of(context)
        if not self.report_url or not run:
            return ""
        key = self.plan_of(self.pipeline, context).interval.key
        return f"{self.report_url.rstrip('/')}/{run_page(self.pipeline, key, run)}"

    def on_kill(self) -> None:
        """Stop the statement that is running."""
        if self._run:
            self._run.cancel()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """The step's lineage; Airflow's OpenLineage provider calls this if it is installed."""
        if self._done is None:
            return None
        from etl_framework.airflow.lineage import lineage

        plan, result = self._done
        return lineage(plan, plan.step(self.step), result)

    def _tell(self, plan: Plan, result: StepResult) -> None:
        if sql := plan.step(self.step).sql:
            self.log.info("SQL:\n%s", sql)
        self._tell_checks(result.checks)
        counts = ", ".join(f"{count:,} {name}" for name, count in result.counts.items())
        reused = result.state == "reused"
        how = "its output was there already" if reused else result.note or "done"
        self.log.info("%s: %s in %.2f s; %s", self.step, how, result.seconds, counts)

    def _tell_later(self, plan: Plan) -> None:
        """Warn of data intervals that should be run again; no run follows by itself.

        They have read what this one has changed, or have other rows by now.
        """
        if plan.step(self.step).kind != "publish":
            return
        from etl_framework.errors import EtlError
        from etl_framework.run.late import late
        from etl_framework.run.stale import stale

        try:
            found = stale(plan) if any(step.window for step in plan.steps) else []
            changed = late(plan)
        except EtlError as error:  # the rows are published; a retry would publish them again
            self.log.warning("cannot tell what has read older rows: %s", error)
            return
        for each in changed:
            day = each.interval.date
            said = "%s: etl restate %s --from %s --to %s"
            self.log.warning(said, each.told, self.pipeline, day, day)
        for interval, kpis in found:
            selected = " ".join(f"--select {kpi}" for kpi in kpis)
            self.log.warning(
                "%s has read what was published anew since: etl restate %s --from %s --to %s %s",
                interval,
                self.pipeline,
                interval.date,
                interval.date,
                selected,
            )

    def _warn(self, result: StepResult, context: Context) -> None:
        from etl_framework.airflow.notify import tell

        warnings = [check for check in result.checks if check.status == "warning"]
        if self.notify and warnings:
            lines = [f"{self.pipeline}: {len(warnings)} checks of {self.step} warn"]
            lines += [f"{c.check} of {c.relation}: {c.failing} of {c.rows} rows" for c in warnings]
            facts = {"pipeline": self.pipeline, "step": self.step, "report": self.link}
            tell(self.notify, "warning", facts, lines, context)

    def _tell_checks(self, checks: Sequence[Any]) -> None:
        for check in checks:
            note = check.note or f"{check.failing} of {check.rows} rows"
            say = self.log.info if check.status == "pass" else self.log.warning
            say("check %s of %s: %s, %s", check.check, check.relation, check.status, note)


def connections_of(plan: Plan, step: str) -> list[str]:
    """The connections that a step uses, with their names in Airflow."""
    planned = plan.step(step)
    names = {plan.environment.staging_connection, getattr(planned.block, "connection", None)}
    kpis = plan.pipeline.kpis
    if planned.kind == "publish":
        names.update(plan.pipeline.target_connections())
    if planned.kind == "earlier":
        names.add(kpis[planned.relation].target.connection)
    known = plan.environment.connections
    ids = {name: getattr(known[name], "conn_id", None) for name in names if name in known}
    return [f"{name} ({id_})" if id_ else name for name, id_ in sorted(ids.items())]


class ExtractOperator(WaitingOperator, StepOperator):
    """Reads a source into staging; may first wait for files to arrive.

    :param wait_seconds: how long to wait for files; 0 to read those that are there.
    """

    ui_color = "#d9ead3"

    def __init__(self, *, wait_seconds: float = 0.0, **kwargs: Any) -> None:
        super().__init__(wait_seconds=wait_seconds, **kwargs)

    def look(self, context: Context) -> list[str] | None:
        from etl_framework.airflow.sensors import files_there

        if not self.wait_seconds:
            return []
        source = self.step.partition(".")[2]
        return files_there(self.plan_of(self.pipeline, context), source) or None

    def missing(self) -> str:
        return f"there are no files for {self.step}"

    def proceed(self, context: Context, what: Any) -> Any:
        return StepOperator.execute(self, context)


class EarlierOperator(StepOperator):
    """Reads what runs of other data intervals loaded into a target."""

    ui_color = "#d9ead3"


class CheckOperator(StepOperator):
    """Checks a relation, and moves failing rows to quarantine if a check says so."""

    ui_color = "#fff2cc"


class TransformOperator(StepOperator):
    """Computes a relation from others."""

    ui_color = "#cfe2f3"


class KpiOperator(StepOperator):
    """Computes a KPI."""

    ui_color = "#d9d2e9"


class PublishOperator(StepOperator):
    """Loads all KPIs into their tables, in one transaction."""

    ui_color = "#f4cccc"
