"""The plan: a pipeline as frozen steps, the same for the CLI, Airflow and the printed plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic, PlanError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.plan.compilation import Compilation, Shape
from etl_framework.plan.compile import compile_queries
from etl_framework.plan.params import with_params
from etl_framework.plan.reads import history_shape
from etl_framework.plan.step import Step
from etl_framework.plan.steps import Planning, planned_steps
from etl_framework.plugins import engine_class
from etl_framework.project.environments import Environment
from etl_framework.project.models import Kpi, Pipeline
from etl_framework.project.project import Project
from etl_framework.project.window import THIS
from etl_framework.project.workspace import Workspace


@dataclass(frozen=True)
class Plan:
    """All steps of one run, in an order in which they can run.

    :param by_interval: whether a relation has the rows of the data interval alone, if it is known.
    :param dialect: the dialect of the steps' SQL, as sqlglot calls it.
    :param unset: which params of the pipeline have no value; such a plan cannot be run.
    :param shapes: the name and DuckDB type of every relation's columns, if they are known.
    """

    root: Path
    pipeline: Pipeline
    environment_name: str
    environment: Environment
    interval: DataInterval
    steps: tuple[Step, ...]
    shapes: Mapping[str, Shape]
    by_interval: Mapping[str, bool | None]
    dialect: str
    unset: tuple[Diagnostic, ...] = ()

    def step(self, name: str) -> Step:
        """A step by its name.

        :raises PlanError: there is no such step.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise PlanError(
            f"the pipeline '{self.pipeline.name}' has no step '{name}'",
            hint=did_you_mean(name, [step.name for step in self.steps]),
        )

    def seen_by(self, step: Step) -> dict[str, dict[str, str]]:
        """The columns of what a step reads, as its SQL sees them, by the names that it uses."""
        return {name: dict(self.given_by(self.step(of)) or ()) for name, of in step.inputs}

    def given_by(self, step: Step) -> Shape:
        """The columns of what a step gives to others."""
        if step.is_history and isinstance(step.block, Kpi):
            return history_shape(step.block)
        return self.shapes.get(step.relation)

    def needed(self, step: Step) -> list[Step]:
        """A step and all steps that must finish before it, in the order in which they can run."""
        names = {step.name}
        for later in reversed(self.steps):
            if later.name in names:
                names.update(later.needs)
        return [earlier for earlier in self.steps if earlier.name in names]

    def only(self, kpis: Collection[str]) -> Plan:
        """The plan of these KPIs alone: the steps that they need, and publishing them."""
        publish = self.step("publish")
        inputs = tuple(need for need in publish.inputs if need[0] in kpis)
        wanted = {s.name for _, need in inputs for s in self.needed(self.step(need))}
        last = replace(publish, inputs=inputs, needs=tuple(n for n in publish.needs if n in wanted))
        steps = (*(step for step in self.steps if step.name in wanted), last)
        return replace(self, steps=steps)

    def rereading(self, kpis: Collection[str]) -> Plan:
        """The plan of these KPIs alone, which reads windows of others wholly from their tables.

        So it does for the rows of the data interval itself, which are not computed anew.
        """
        others = {s.name for s in self.steps if s.window and s.relation not in kpis}
        steps = []
        for step in self.steps:
            windows = {name for name, of in step.inputs if of in others and name != THIS}
            inputs = tuple((n, of) for n, of in step.inputs if n not in windows or of in others)
            if inputs != step.inputs:
                needs = tuple(dict.fromkeys(of for _, of in inputs))
                step = replace(step, inputs=inputs, needs=needs)
            steps.append(
                replace(step, own=True, needs=(), inputs=()) if step.name in others else step
            )
        return replace(self, steps=tuple(steps)).only(kpis)

    @cached_property
    def workspace(self) -> Workspace:
        """The plan's environment; it is opened when this is used for the first time.

        :raises ConfigError: its `env_file` does not exist.
        """
        return Workspace(self.root, self.environment)


def build_plan(
    project: Project,
    pipeline: str,
    environment: str | None,
    interval: DataInterval,
    compilation: Compilation | None = None,
) -> Plan:
    """Build the plan of one run; this opens no connection and reads no secret.

    :param compilation: the pipeline's SQL, if it has been compiled for this interval already.
    :raises ConfigError: the pipeline's file or the environment is wrong.
    :raises PlanError: the pipeline's SQL is wrong; the error holds every problem.
    """
    project = project.at(environment)
    found, chosen = project.pipeline(pipeline), project.environment(environment)
    pipeline_file, unset = with_params(found, chosen, project.values)
    if pipeline_file.model is None or pipeline_file.file.diagnostics:
        raise ConfigError(pipeline_file.file.diagnostics)
    if pipeline_file is not found:  # its SQL has other values
        compilation = None
    compilation = compilation or compile_queries(project.root, pipeline_file, interval)
    if compilation.problems:
        raise PlanError(compilation.problems)
    engine: Planning = engine_class(chosen.engine)()
    if refused := list(engine.refused(pipeline_file.model, chosen)):
        raise PlanError(pipeline_file.file.diagnostic(keys, "E306", why) for keys, why in refused)
    return Plan(
        root=project.root,
        pipeline=pipeline_file.model,
        environment_name=project.environment_name(environment),
        environment=chosen,
        interval=interval,
        steps=planned_steps(pipeline_file, compilation, engine),
        shapes=compilation.shapes,
        by_interval=compilation.by_interval(pipeline_file.relations),
        dialect=engine.dialect,
        unset=unset,
    )
