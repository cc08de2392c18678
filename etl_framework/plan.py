"""The plan: a pipeline as frozen steps, the same for the CLI, Airflow and the printed plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from etl_framework.checks.base import Check
from etl_framework.checks.not_null import NotNull
from etl_framework.checks.primary_key import PrimaryKey
from etl_framework.config.environments import Environment
from etl_framework.config.models import Kpi, Pipeline, Transform
from etl_framework.config.project import PipelineFile, Project
from etl_framework.config.yaml_file import Keys
from etl_framework.errors import ConfigError, Diagnostic, PlanError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.plugins import engine_class
from etl_framework.queries import Compilation, Compiled, Shape, compile_queries
from etl_framework.sources.base import Source
from etl_framework.storage.staging import Staging

Place = tuple[str, int, int]
Kind = Literal["extract", "check", "transform", "kpi", "publish"]


class Planning(Protocol):
    """What a plan asks of the engine that is to run it."""

    dialect: str

    def sql(self, query: Compiled) -> str:
        """The SQL of a query as the engine runs it."""

    def refused(self, pipeline: Pipeline, environment: Environment) -> Iterator[tuple[Keys, str]]:
        """Where a pipeline's file says what the engine cannot do, and why it cannot."""


@dataclass(frozen=True)
class Step:
    """One unit of work, named after what the YAML names.

    :param needs: the steps that must have finished.
    :param inputs: for each relation the step reads, the step whose output it is.
    :param place: where the file declares it: path, line, column.
    :param check_places: the same of each check.
    :param check_sql: the SQL of each check that has its own, as the engine runs it; else empty.
    :param template: the SQL as written.
    :param sql: the SQL as the engine runs it.
    """

    name: str
    kind: Kind
    relation: str
    needs: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    block: Source | Transform | Kpi | None = None
    checks: tuple[Check, ...] = ()
    place: Place = ("", 0, 0)
    check_places: tuple[Place, ...] = ()
    check_sql: tuple[str, ...] = ()
    template: str = ""
    sql: str = ""


@dataclass(frozen=True)
class Plan:
    """All steps of one run, in an order that they can run in.

    :param dialect: what the SQL of the steps is written in, as sqlglot calls it.
    :param shapes: name and DuckDB type of the columns of each relation, where they are known.
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

        :raises PlanError: there is none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise PlanError(
            f"the pipeline '{self.pipeline.name}' has no step '{name}'",
            hint=did_you_mean(name, [step.name for step in self.steps]),
        )

    def open_staging(self) -> Staging:
        """Where relations lie between steps.

        :raises ConfigError: a setting cannot be looked up.
        """
        return self.environment.open_staging(self.root)


def build_plan(
    project: Project,
    pipeline: str,
    environment: str | None,
    interval: DataInterval,
    compilation: Compilation | None = None,
) -> Plan:
    """The steps of one run; opens no connection and reads no secret.

    :param compilation: the pipeline's SQL, where it has been compiled for this interval already.
    :raises ConfigError: the pipeline's file or the environment is wrong.
    :raises PlanError: its SQL is wrong; every problem is in it.
    """
    found = project.pipeline(pipeline)
    if found.model is None or found.file.diagnostics:
        raise ConfigError(found.file.diagnostics)
    compilation = compilation or compile_queries(project.root, found, interval)
    if compilation.diagnostics:
        raise PlanError(compilation.diagnostics)
    chosen = project.environment(environment)
    engine: Planning = engine_class(chosen.engine)()
    if refused := list(engine.refused(found.model, chosen)):
        raise PlanError(found.file.diagnostic(keys, "E306", why) for keys, why in refused)
    return Plan(
        root=project.root,
        pipeline=found.model,
        environment_name=project.environment_name(environment),
        environment=chosen,
        interval=interval,
        steps=_ordered(found, list(_steps(found, compilation, engine))),
        shapes=compilation.shapes,
        dialect=engine.dialect,
    )


def all_checks(block: Source | Transform | Kpi) -> tuple[Check, ...]:
    """The checks of a relation: those that its columns imply, then those that it lists."""
    required = [column.name for column in block.columns if column.required]
    keys = [column.name for column in block.columns if column.primary_key]
    implied: list[Check] = []
    if required:
        taken_out = "quarantine" if isinstance(block, Source) else "fail"
        implied.append(
            NotNull(type="not_null", columns=required, on_fail=taken_out, name="required")
        )
    if keys:
        implied.append(PrimaryKey(type="primary_key", columns=keys))
    return (*implied, *block.checks)


def _steps(found: PipelineFile, compilation: Compilation, engine: Planning) -> Iterator[Step]:
    pipeline = found.model
    if pipeline is None:
        return
    relations = pipeline.relations()
    checks = {name: all_checks(block) for name, block in relations.items()}
    order = [*pipeline.sources, *compilation.queries]
    # Whoever reads a relation reads it after its checks, which may have taken rows out.
    gives = {name: f"{_kind(pipeline, name)}.{name}" for name in order}
    gives |= {name: f"check.{name}" for name in order if checks[name]}
    for name in order:
        place = _place(found, name)
        made = _making(pipeline, compilation.queries.get(name), name, gives, place, engine)
        yield made
        if checks[name]:
            yield _checking(found, compilation, name, checks[name], made, gives, engine)
    loads = tuple((name, gives[name]) for name in order if name in pipeline.kpis)
    yield Step(
        "publish", "publish", "", tuple(gives.values()), loads, place=(found.file.path, 1, 1)
    )


def _ordered(found: PipelineFile, steps: list[Step]) -> tuple[Step, ...]:
    """The steps so that each comes after those it needs, else in the file's order.

    :raises PlanError: checks of relations that wait for one another.
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


def _kind(pipeline: Pipeline, name: str) -> Kind:
    if name in pipeline.sources:
        return "extract"
    return "transform" if name in pipeline.transforms else "kpi"


def _section(found: PipelineFile, name: str) -> str:
    return next(s for s in ("sources", "transforms", "kpis") if (s, name) in found.file.keys)


def _place(found: PipelineFile, name: str) -> Place:
    return found.file.path, *found.file.place((_section(found, name), name), of_key=True)


def _check_places(found: PipelineFile, name: str, count: int) -> tuple[Place, ...]:
    """Where each check stands; those that columns imply come first and stand at the columns."""
    section = _section(found, name)
    listed = sum(
        keys[:3] == (section, name, "checks") and len(keys) == 4 for keys in found.file.values
    )
    implied = (section, name, "columns")
    keys = [implied] * (count - listed)
    places = [found.file.place(key, of_key=True) for key in keys]
    places += [found.file.place((section, name, "checks", index)) for index in range(listed)]
    return tuple((found.file.path, *place) for place in places)


def _checking(
    found: PipelineFile,
    compilation: Compilation,
    name: str,
    checks: tuple[Check, ...],
    made: Step,
    gives: dict[str, str],
    engine: Planning,
) -> Step:
    """The step that checks a relation; `made` is the step that makes it."""
    implied = len(checks) - len(made.block.checks if made.block else ())
    queries = [compilation.checks.get((name, index - implied)) for index in range(len(checks))]
    read = [parent[0] for check in checks if (parent := check.parent())]
    read += [relation for query in queries if query for relation in query.inputs]
    others = tuple((other, gives[other]) for other in dict.fromkeys(read) if other != name)
    return Step(
        f"check.{name}",
        "check",
        name,
        (made.name, *dict.fromkeys(step for _, step in others)),
        ((name, made.name), *others),
        made.block,
        checks,
        made.place,
        check_places=_check_places(found, name, len(checks)),
        check_sql=tuple(engine.sql(query) if query else "" for query in queries),
    )


def _making(
    pipeline: Pipeline,
    compiled: Compiled | None,
    name: str,
    gives: dict[str, str],
    place: Place,
    engine: Planning,
) -> Step:
    """The step that makes a relation."""
    kind, block = _kind(pipeline, name), pipeline.relations()[name]
    if compiled is None:
        return Step(f"{kind}.{name}", kind, name, block=block, place=place)
    inputs = tuple((relation, gives[relation]) for relation in compiled.inputs)
    needs = tuple(dict.fromkeys(step for _, step in inputs))
    return Step(
        f"{kind}.{name}",
        kind,
        name,
        needs,
        inputs,
        block,
        place=place,
        template=compiled.template,
        sql=engine.sql(compiled),
    )
