"""Find the columns that every column of a pipeline is computed from, back to the sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.plan.plan import Plan
from etl_framework.plan.step import Step
from etl_framework.project.window import THIS
from etl_framework.sql.lineage import EVERY_ROW, Field, column_inputs

Lineage = Mapping[Field, tuple[Field, ...]]
# A column, or a relation.
Thing = TypeVar("Thing")


def step_lineage(plan: Plan, step: Step) -> dict[str, tuple[Field, ...]]:
    """The columns of a step's output, each with the relations' columns that it is computed from.

    Empty for steps without a query, such as sources and transforms in Python.
    """
    if step.kind not in ("transform", "kpi") or not step.sql:
        return {}
    return {
        column: tuple((_relation(step, name), field) for name, field in fields)
        for column, fields in column_inputs(step.sql, plan.seen_by(step), plan.dialect).items()
    }


def _relation(step: Step, name: str) -> str:
    """The relation that a query calls by a name: a KPI calls its own table `this`."""
    return step.relation if name == THIS else name


def lineage(plan: Plan) -> Lineage:
    """Every column of every relation, with the columns that it is directly computed from.

    A source's columns are computed from none; those of a transform in Python are taken as
    computed from all columns that it reads.
    """
    inputs: dict[Field, tuple[Field, ...]] = {}
    for step in plan.steps:
        if step.kind not in ("extract", "transform", "kpi"):
            continue
        made = step_lineage(plan, step)
        reads = list(dict.fromkeys(_relation(step, name) for name, _ in step.inputs))
        unknown = tuple((name, column) for name in reads for column, _ in plan.shapes[name] or ())
        for column, _ in plan.shapes.get(step.relation) or ():
            inputs[step.relation, column] = made.get(column, () if step.sql else unknown)
        inputs[step.relation, EVERY_ROW] = tuple((name, EVERY_ROW) for name in reads)
    return inputs


def turned(known: Mapping[Thing, Sequence[Thing]]) -> dict[Thing, tuple[Thing, ...]]:
    """The lineage the other way round: every column with those directly computed from it."""
    outputs: dict[Thing, tuple[Thing, ...]] = dict.fromkeys(known, ())
    for thing, made in known.items():
        for input_ in made:
            outputs[input_] = (*outputs.get(input_, ()), thing)
    return outputs


def reached(known: Mapping[Thing, Sequence[Thing]], thing: Thing) -> Iterator[Thing]:
    """Every column that is linked to a column, directly or through others; each only once."""
    seen: set[Thing] = set()
    waiting = list(known.get(thing, ()))
    while waiting:
        related = waiting.pop(0)
        if related not in seen:
            seen.add(related)
            yield related
            waiting += known.get(related, ())


def fields_of(known: Lineage, relations: Sequence[str], name: str | None = None) -> list[Field]:
    """The columns of relations; if the name ends in a column (`kpis_genre.rank`), only that one.

    :raises ConfigError: the relation has no such column.
    """
    fields = [field for field in known if field[0] in relations]
    column = name.rpartition(".")[2] if name else ""
    if name is None or column in relations:
        return [field for field in fields if field[1] != EVERY_ROW]
    if not (fitting := [field for field in fields if field[1] == column]):
        hint = did_you_mean(
            column, [candidate for _, candidate in fields if candidate != EVERY_ROW]
        )
        raise ConfigError(f"'{relations[0]}' has no column '{column}'", hint=hint)
    return fitting
