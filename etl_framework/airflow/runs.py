"""What a task's context says of its run: the project, the data interval, the plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from etl_framework.airflow._compat import BaseOperator

if TYPE_CHECKING:
    from etl_framework.config.environments import Environment
    from etl_framework.interval import DataInterval, Schedule
    from etl_framework.plan import Plan

Context = Mapping[str, Any]


class ProjectOperator(BaseOperator):
    """What every operator of this package knows.

    :param environment: a name in `environments.yml`; the file's default if not given.
    :param project: the project's folder; that of the DAG file if not given.
    :param group: the name of a task group that the DAG has; the task's id stays as it is.
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
        """The project's folder; for a DAG outside of one, the folder that the task runs in."""
        from etl_framework.airflow.compiled import CompileError

        me: Any = self
        if not self.project and not me.has_dag():
            return Path.cwd()
        try:
            return self.root()
        except CompileError:
            return Path.cwd()

    def plan_of(self, pipeline: str, context: Context) -> Plan:
        """The plan of a pipeline for the run's data interval, made once.

        :raises ConfigError: its files are wrong.
        """
        run = getattr(context.get("dag_run"), "run_id", None)
        wanted = (pipeline, self.environment, run, context.get("data_interval_start"))
        if self._plan is None or self._plan[0] != wanted:
            self._plan = wanted, self._new_plan(pipeline, context)
        return self._plan[1]

    def _new_plan(self, pipeline: str, context: Context) -> Plan:
        from etl_framework.config.project import load_project
        from etl_framework.errors import ConfigError
        from etl_framework.plan import build_plan

        project = load_project(self.root())
        found = project.pipeline(pipeline)
        if found.model is None:
            raise ConfigError(found.file.diagnostics)
        interval = interval_of(context, found.model.cut())
        return build_plan(project, pipeline, self.environment, interval)

    def connection_of(self, name: str) -> Any:
        """A connection of the environment.

        :raises ConfigError: it has none of that name.
        """
        from etl_framework.errors import ConfigError, did_you_mean

        known = self.loaded_environment().connections
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"there is no connection '{name}' in environments.yml", hint=hint)
        return known[name]

    def loaded_environment(self) -> Environment:
        """The environment, its variables set.

        :raises ConfigError: there is no such environment.
        """
        from etl_framework.config.project import load_project

        root = self.root()
        found = load_project(root).environment(self.environment)
        found.load_variables(root)
        return found


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
