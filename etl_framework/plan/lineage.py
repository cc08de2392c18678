"""Which columns each column of a pipeline is made of, from the sources to the targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.plan.plan import Plan, Step
from etl_framework.sql.lineage import EVERY_ROW, Field, column_inputs

Lineage = Mapping[Field, tuple[Field, ...]]


def step_lineage(plan: Plan, step: Step) -> dict[str, tuple[Field, ...]]:
    """The columns of a step's output, each with the relations and columns that it is made of.

    Empty where no SQL tells: sources, and transforms in Python.
    """
    if step.kind not in ("transform", "kpi") or not step.sql:
        return {}
    schema = {name: dict(plan.shapes.get(name) or ()) for name, _ in step.inputs}
    return column_inputs(step.sql, schema, plan.dialect)


def lineage(plan: Plan) -> Lineage:
    """Every column of every relation, with what it is directly made of; none for a source's.

    A column that a transform in Python gives is made of all columns of what it reads.
    """
    found: dict[Field, tuple[Field, ...]] = {}
    for step in plan.steps:
        if step.kind not in ("extract", "transform", "kpi"):
            continue
        made = step_lineage(plan, step)
        reads = [name for name, _ in step.inputs]
        unknown = tuple((name, column) for name in reads for column, _ in plan.shapes[name] or ())
        for column, _ in plan.shapes.get(step.relation) or ():
            found[step.relation, column] = made.get(column, () if step.sql else unknown)
        found[step.relation, EVERY_ROW] = tuple((name, EVERY_ROW) for name in reads)
    return found


def turned(known: Lineage) -> Lineage:
    """The other way round: every column with those that are directly made of it."""
    found: dict[Field, tuple[Field, ...]] = dict.fromkeys(known, ())
    for field, made in known.items():
        for each in made:
            found[each] = (*found.get(each, ()), field)
    return found


def reached(known: Lineage, field: Field) -> Iterator[Field]:
    """Everything that is to be reached from a column, directly or through others, once each."""
    seen: set[Field] = set()
    waiting = list(known.get(field, ()))
    while waiting:
        each = waiting.pop(0)
        if each not in seen:
            seen.add(each)
            yield each
            waiting += known.get(each, ())


def fields_of(known: Lineage, relations: Sequence[str], name: str | None = None) -> list[Field]:
    """The columns of relations; of a name that goes on with a column, that one.

    :raises ConfigError: the relation has no such column.
    """
    found = [field for field in known if field[0] in relations]
    column = name.rpartition(".")[2] if name else ""
    if name is None or column in relations:
        return [field for field in found if field[1] != EVERY_ROW]
    if not (fitting := [field for field in found if field[1] == column]):
        hint = did_you_mean(column, [each for _, each in found if each != EVERY_ROW])
        raise ConfigError(f"'{relations[0]}' has no column '{column}'", hint=hint)
    return fitting
