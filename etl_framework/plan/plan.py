"""The plan: a pipeline as frozen steps, the same for the CLI, Airflow and the printed plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from etl_framework.checks.base import Check
from etl_framework.errors import ConfigError, Diagnostic, PlanError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.plan.compilation import Compilation, Compiled, Shape
from etl_framework.plan.compile import compile_queries
from etl_framework.plugins import engine_class
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.project import PipelineFile, Project
from etl_framework.project.relation import Block, Place, Relation
from etl_framework.project.workspace import Workspace
from etl_framework.project.yaml_file import Keys

Kind = Literal["extract", "check", "transform", "kpi", "publish"]


class Planning(Protocol):
    """What a plan needs from the engine that will run it."""

    dialect: str

    def sql(self, query: Compiled) -> str:
        """The SQL of a query as the engine runs it."""

    def refused(self, pipeline: Pipeline, environment: Environment) -> Iterator[tuple[Keys, str]]:
        """The places of what the engine cannot do in a pipeline's file, each with the reason."""


@dataclass(frozen=True)
class Step:
    """One unit of work, named after what it works on: `extract.streams`.

    :param needs: the steps that must finish before this one.
    :param inputs: the relations that the step reads, each with the step whose output it is.
    :param section: the part of the file with its relation: `sources`, `transforms` or `kpis`.
    :param place: where the file declares its relation: path, line, column.
    :param check_places: the same for every check.
    :param check_sql: each check's own SQL as the engine runs it; empty for a check without any.
    :param template: the SQL as written.
    :param sql: the SQL as the engine runs it.
    """

    name: str
    kind: Kind
    relation: str
    needs: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    block: Block | None = None
    section: str = ""
    checks: tuple[Check, ...] = ()
    place: Place = ("", 0, 0)
    check_places: tuple[Place, ...] = ()
    check_sql: tuple[str, ...] = ()
    template: str = ""
    sql: str = ""


@dataclass(frozen=True)
class Plan:
    """All steps of one run, in an order in which they can run.

    :param dialect: the dialect of the steps' SQL, as sqlglot calls it.
    :param shapes: the name and DuckDB type of every relation's columns, if they are known.
    """

    root: Path
    pipeline: Pipeline
    environment_name: str
    environment: Environment
    interval: DataInterval
    steps: tuple[Step, ...]
    shapes: Mapping[str, Shape]
    dialect: str

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

    def needed(self, step: Step) -> list[Step]:
        """A step and all steps that must finish before it, in the order in which they can run."""
        names = {step.name}
        for later in reversed(self.steps):
            if later.name in names:
                names.update(later.needs)
        return [earlier for earlier in self.steps if earlier.name in names]

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
    pipeline_file = project.pipeline(pipeline)
    if pipeline_file.model is None or pipeline_file.file.diagnostics:
        raise ConfigError(pipeline_file.file.diagnostics)
    compilation = compilation or compile_queries(project.root, pipeline_file, interval)
    if compilation.diagnostics:
        raise PlanError(compilation.diagnostics)
    chosen = project.environment(environment)
    engine: Planning = engine_class(chosen.engine)()
    if refused := list(engine.refused(pipeline_file.model, chosen)):
        raise PlanError(pipeline_file.file.diagnostic(keys, "E306", why) for keys, why in refused)
    return Plan(
        root=project.root,
        pipeline=pipeline_file.model,
        environment_name=project.environment_name(environment),
        environment=chosen,
        interval=interval,
        steps=_ordered(list(_steps(pipeline_file, compilation, engine))),
        shapes=compilation.shapes,
        dialect=engine.dialect,
    )


def _steps(
    pipeline_file: PipelineFile, compilation: Compilation, engine: Planning
) -> Iterator[Step]:
    relations = pipeline_file.relations
    sources = [name for name, relation in relations.items() if relation.kind == "source"]
    order = [relations[name] for name in (*sources, *compilation.queries)]
    # A step reads a relation only after the relation's checks, which may take rows out.
    gives = {
        relation.name: f"check.{relation.name}" if relation.checks else relation.step
        for relation in order
    }
    for relation in order:
        yield _making(relation, compilation, gives, engine)
        if relation.checks:
            yield _checking(relation, compilation, gives, engine)
    loads = tuple(
        (relation.name, gives[relation.name]) for relation in order if relation.kind == "kpi"
    )
    yield Step(
        "publish",
        "publish",
        "",
        tuple(gives.values()),
        loads,
        place=(pipeline_file.file.path, 1, 1),
    )


def _ordered(steps: list[Step]) -> tuple[Step, ...]:
    """The steps, each after those that it needs and otherwise in the file's order.

    :raises PlanError: the checks of some relations wait for one another.
    """
    ordered: list[Step] = []
    while steps:
        done = {step.name for step in ordered}
        ready = next((step for step in steps if done.issuperset(step.needs)), None)
        if ready is None:
            names = ", ".join(step.relation for step in steps if step.kind == "check")
            place = next(step.place for step in steps if step.kind == "check")
            message = f"the checks of {names} wait for one another"
            hint = "let only one of them have a 'relationships' check to the other"
            raise PlanError([Diagnostic(*place, "E305", message, hint)])
        ordered.append(ready)
        steps.remove(ready)
    return tuple(ordered)


def _making(
    relation: Relation, compilation: Compilation, gives: dict[str, str], engine: Planning
) -> Step:
    """The step that makes a relation."""
    kind: Kind = "extract" if relation.kind == "source" else relation.kind
    compiled = compilation.queries.get(relation.name)
    inputs = tuple((name, gives[name]) for name in (compiled.inputs if compiled else ()))
    return Step(
        relation.step,
        kind,
        relation.name,
        tuple(dict.fromkeys(step for _, step in inputs)),
        inputs,
        relation.block,
        relation.section,
        place=relation.place,
        template=compiled.template if compiled else "",
        sql=engine.sql(compiled) if compiled else "",
    )


def _checking(
    relation: Relation, compilation: Compilation, gives: dict[str, str], engine: Planning
) -> Step:
    """The step that checks a relation; it also reads what the checks compare the relation with."""
    checks, implied = relation.checks, len(relation.implied_checks)
    queries = [
        compilation.checks.get((relation.name, index - implied)) for index in range(len(checks))
    ]
    read = [parent[0] for check in checks if (parent := check.parent())]
    read += [name for query in queries if query for name in query.inputs]
    others = tuple((name, gives[name]) for name in dict.fromkeys(read) if name != relation.name)
    return Step(
        f"check.{relation.name}",
        "check",
        relation.name,
        (relation.step, *dict.fromkeys(step for _, step in others)),
        ((relation.name, relation.step), *others),
        relation.block,
        relation.section,
        checks,
        relation.place,
        check_places=relation.check_places,
        check_sql=tuple(engine.sql(query) if query else "" for query in queries),
    )
