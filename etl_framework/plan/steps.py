"""Make the steps of a plan from a pipeline's file and its compiled SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from etl_framework.checks.base import RowCheck
from etl_framework.errors import Diagnostic, PlanError
from etl_framework.plan.compilation import Compilation, Compiled
from etl_framework.plan.reads import earlier_step, kpi_read
from etl_framework.plan.step import CheckSql, Kind, Step
from etl_framework.plan.target_checks import target_checks
from etl_framework.project.environments import Environment
from etl_framework.project.models import Kpi, Pipeline, Transform
from etl_framework.project.project import PipelineFile
from etl_framework.project.relation import Relation
from etl_framework.project.window import THIS
from etl_framework.project.yaml_file import Keys


class Planning(Protocol):
    """What a plan needs from the engine that will run it."""

    dialect: str

    def sql(self, query: Compiled) -> str:
        """The SQL of a query as the engine runs it."""

    def condition(self, sql: str, relation: str, columns: Mapping[str, str] | None) -> str:
        """A condition over one row as the engine reads it, in brackets."""

    def refused(self, pipeline: Pipeline, environment: Environment) -> Iterator[tuple[Keys, str]]:
        """The places of what the engine cannot do in a pipeline's file, each with the reason."""


def planned_steps(
    pipeline_file: PipelineFile, compilation: Compilation, engine: Planning
) -> tuple[Step, ...]:
    """The steps of a run, each after those that it needs and otherwise in the file's order.

    :raises PlanError: the checks of some relations wait for one another, or the engine cannot read
        the condition of one.
    """
    steps = {step.name: step for step in _steps(pipeline_file, compilation, engine)}
    return _ordered(list(steps.values()))


def _steps(
    pipeline_file: PipelineFile, compilation: Compilation, engine: Planning
) -> Iterator[Step]:
    relations = pipeline_file.relations
    sources = [name for name, relation in relations.items() if relation.kind == "source"]
    order = [relations[name] for name in (*sources, *compilation.queries)]
    # A step reads a relation only after the relation's checks, which may take rows out.
    gives = {
        relation.name: f"check.{relation.name}" if _of_rows(relation) else relation.step
        for relation in order
    }
    for relation in order:
        earlier = dict(_earlier(relation, relations, compilation, gives))
        yield from earlier.values()
        yield _making(relation, relations, compilation, gives, earlier, engine)
        if _of_rows(relation):
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


def _earlier(
    relation: Relation,
    relations: Mapping[str, Relation],
    compilation: Compilation,
    gives: Mapping[str, str],
) -> Iterator[tuple[str, Step]]:
    """The steps that read other data intervals for a relation, by what its SQL calls them."""
    block, compiled = relation.block, compilation.queries.get(relation.name)
    for name, window in block.reads.items() if isinstance(block, Kpi | Transform) else ():
        if compiled and name in (THIS, *compiled.inputs):
            kpi = relations[kpi_read(relation.name, name)]
            yield name, earlier_step(kpi, window, relation, gives[kpi.name])


def _making(
    relation: Relation,
    relations: Mapping[str, Relation],
    compilation: Compilation,
    gives: dict[str, str],
    earlier: Mapping[str, Step],
    engine: Planning,
) -> Step:
    """The step that makes a relation."""
    kind: Kind = "extract" if relation.kind == "source" else relation.kind
    compiled = compilation.queries.get(relation.name)
    histories = [name for name, step in earlier.items() if step.is_history]  # with the run's rows
    read = [name for name in (compiled.inputs if compiled else ()) if name not in histories]
    inputs = tuple((name, gives[name]) for name in read)
    inputs += tuple((name, step.name) for name, step in earlier.items())
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
        of_target=target_checks(relation, relations, compilation.checks),
    )


def _checking(
    relation: Relation, compilation: Compilation, gives: dict[str, str], engine: Planning
) -> Step:
    """The step that checks a relation; it also reads what the checks compare the relation with."""
    indexes, implied = _of_rows(relation), len(relation.implied_checks)
    checks = tuple(relation.checks[index] for index in indexes)
    queries = [compilation.checks.get((relation.name, index - implied)) for index in indexes]
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
        check_places=tuple(relation.check_places[index] for index in indexes),
        check_sql=tuple(
            _check_sql(relation, index, query, compilation, engine)
            for index, query in zip(indexes, queries, strict=True)
        ),
    )


def _of_rows(relation: Relation) -> list[int]:
    """The positions of the checks of a run's rows; others are of the whole target."""
    return [index for index, check in enumerate(relation.checks) if check.on == "rows"]


def _check_sql(
    relation: Relation,
    index: int,
    query: Compiled | None,
    compilation: Compilation,
    engine: Planning,
) -> CheckSql:
    """The SQL of a relation's check.

    :raises PlanError: the engine cannot read the check's condition.
    """
    check, shape = relation.checks[index], compilation.shapes.get(relation.name)
    columns = dict(shape) if shape else None
    violation = check.violation() if isinstance(check, RowCheck) else ""
    try:
        where, violation = (
            engine.condition(sql, relation.name, columns) if sql else ""
            for sql in (check.where, violation)
        )
    except PlanError as error:
        said = error.diagnostics[0]
        place = relation.check_places[index]
        raise PlanError([Diagnostic(*place, "E309", said.message, said.hint)]) from error
    return CheckSql(engine.sql(query) if query else "", where, violation)
