"""Find a task's project, data interval and plan from its Airflow context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from etl_framework.airflow._compat import BaseOperator

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval, Schedule
    from etl_framework.plan.plan import Plan
    from etl_framework.project.workspace import Workspace

Context = Mapping[str, Any]
Result = TypeVar("Result")


class ProjectOperator(BaseOperator):
    """The base of all operators in this package; knows the project and its environment.

    :param environment: a name in `environments.yml`; if not given, the file's default.
    :param project: the project's folder; if not given, the one that the DAG file is in.
    :param group: the name of a task group of the DAG; the task's id does not change.
    """

    def __init__(
        self,
        *,
        environment: str | None = None,
        project: str | None = None,
        group: str | None = None,
        **kwargs: Any,
    ) -> None:
        if group:
            kwargs["task_group"] = kwargs["dag"].task_group_dict[group]
        super().__init__(**kwargs)
        self.environment = environment
        self.project = project
        self._plan: tuple[tuple[Any, ...], Plan] | None = None

    def root(self) -> Path:
        """The project's folder."""
        from etl_framework.airflow.dags import project_of

        return Path(self.project) if self.project else project_of(Path(self.dag.fileloc))

    def root_or_here(self) -> Path:
        """The project's folder, or, for a DAG outside of a project, the current folder."""
        from etl_framework.airflow.compiled import CompileError

        me: Any = self
        if not self.project and not me.has_dag():
            return Path.cwd()
        try:
            return self.root()
        except CompileError:
            return Path.cwd()

    def plan_of(self, pipeline: str, context: Context) -> Plan:
        """The plan of a pipeline for the run's data interval; it is built only once.

        :raises ConfigError: the pipeline's files are wrong.
        """
        run = getattr(context.get("dag_run"), "run_id", None)
        wanted = (pipeline, self.environment, run, context.get("data_interval_start"))
        if self._plan is None or self._plan[0] != wanted:
            self._plan = wanted, self._new_plan(pipeline, context)
        return self._plan[1]

    def _new_plan(self, pipeline: str, context: Context) -> Plan:
        from etl_framework.errors import ConfigError
        from etl_framework.plan.plan import build_plan
        from etl_framework.project.project import load_project

        project = load_project(self.root())
        pipeline_file = project.pipeline(pipeline)
        if pipeline_file.model is None:
            raise ConfigError(pipeline_file.file.diagnostics)
        interval = interval_of(context, pipeline_file.model.cut())
        asked = context.get("params") or {}
        given = {name: asked[name] for name in pipeline_file.model.params if name in asked}
        return build_plan(project.given(given), pipeline, self.environment, interval)

    def workspace(self) -> Workspace:
        """The environment, opened.

        :raises ConfigError: there is no such environment.
        """
        from etl_framework.project.project import load_project

        return load_project(self.root()).workspace(self.environment)


def interval_of(context: Context, schedule: Schedule) -> DataInterval:
    """The data interval of a run, or the latest complete one if the run has none.

    In Airflow 3, a run by hand has no data interval, or, without a schedule, an empty one.
    """
    from etl_framework.interval import DataInterval

    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    if start and end and start < end:
        return DataInterval(_in(start, schedule.timezone), _in(end, schedule.timezone))
    run = context.get("dag_run")
    asked = context.get("logical_date") or getattr(run, "run_after", None)
    return schedule.latest(_in(asked or datetime.now(schedule.timezone), schedule.timezone))


def asked_for(context: Context) -> dict[str, Any]:
    """How a step runs, by the configuration that the DAG run was triggered with.

    `{"restate": true}` computes the data interval anew and leaves the rows of newer ones alone;
    `{"replace_newer": true}` puts its rows in the place of a newer interval's.

    :returns: the arguments of a `Run`.
    """
    conf = getattr(context.get("dag_run"), "conf", None) or {}
    if conf.get("restate"):
        return {"fresh": True, "older": "keep"}
    return {"older": "replace"} if conf.get("replace_newer") else {}


def dag_run_of(context: Context) -> str:
    """The name of the DAG run: `music_streaming scheduled__2024-06-25T03:00:00+00:00`."""
    run = context.get("dag_run")
    names = [getattr(run, name, None) for name in ("dag_id", "run_id")]
    return " ".join(map(str, names)) if all(names) else ""


def _in(moment: datetime, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment.timestamp(), zone)


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
