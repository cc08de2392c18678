"""Follow values of persons from the sources' columns through a pipeline to its targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from etl_framework.columns import Column
from etl_framework.plan.compilation import Compilation
from etl_framework.project.models import Pipeline
from etl_framework.project.window import THIS
from etl_framework.sql.lineage import Field
from etl_framework.sql.values import shown_values


@dataclass(frozen=True)
class Personal:
    """Which columns show values of persons, and which would if nobody had allowed it.

    :param starts: sensitive columns whose values nothing masks, with what they tell of a person.
    :param shown: each column that shows their values, with the first of those that it comes from.
    :param allowed: columns with `allow` to which such values come.
    """

    starts: dict[Field, str] = field(default_factory=dict)
    shown: dict[Field, Field] = field(default_factory=dict)
    allowed: set[Field] = field(default_factory=set)


def personal(pipeline: Pipeline, compilation: Compilation) -> Personal:
    """Follow the values of all sensitive columns of a pipeline.

    What a function in Python returns may be made of all columns that it reads.
    """
    facts, masked = Personal(), set[Field]()
    for name, source in pipeline.sources.items():
        for column in source.columns:
            if column.sensitive and column.is_masked:
                masked.add((name, column.name.lower()))
            elif column.sensitive:
                _start(facts, (name, column.name.lower()), column)
    if not (facts.starts or facts.allowed or _declares(pipeline)):
        return facts
    for name in compilation.queries:
        declared = {c.name.lower(): c for c in pipeline.queries()[name].staged}
        for made, read in inputs(pipeline, compilation, name).items():
            _follow(facts, masked, (name, made), list(read), declared.get(made))
    return facts


def kinds_by_relation(pipeline: Pipeline, compilation: Compilation) -> dict[str, set[str]]:
    """Return what the rows of each relation tell of persons, also where it is allowed."""
    kinds: dict[Field, set[str]] = {
        (name, column.name.lower()): {column.kind}
        for name, source in pipeline.sources.items()
        for column in source.columns
        if column.sensitive and not column.is_masked
    }
    for name in compilation.queries if kinds or _declares(pipeline) else ():
        for column in pipeline.queries()[name].staged:
            if column.sensitive:
                kinds[name, column.name.lower()] = {column.kind}
        for made, read in inputs(pipeline, compilation, name).items():
            if told := {kind for one in read for kind in kinds.get(one, ())}:
                kinds[name, made] = kinds.get((name, made), set()) | told
    by_relation: dict[str, set[str]] = {}
    for (relation, _), told in kinds.items():
        by_relation.setdefault(relation, set()).update(told)
    return by_relation


def _declares(pipeline: Pipeline) -> bool:
    return any(c.sensitive for query in pipeline.queries().values() for c in query.staged)


def _follow(
    facts: Personal, masked: set[Field], made: Field, read: list[Field], column: Column | None
) -> None:
    if read and masked.issuperset(read):
        masked.add(made)
        return
    origin = next((facts.shown[one] for one in read if one in facts.shown), None)
    if origin and column and column.allow:
        facts.allowed.add(made)
    elif origin:
        facts.shown[made] = origin
    elif column and column.sensitive:
        _start(facts, made, column)


def _start(facts: Personal, at: Field, column: Column) -> None:
    if column.allow:
        facts.allowed.add(at)
    else:
        facts.starts[at] = column.kind
        facts.shown[at] = at


def inputs(
    pipeline: Pipeline, compilation: Compilation, name: str
) -> Mapping[str, Mapping[Field, bool]]:
    """Return the columns whose single values each column of a transform or KPI shows.

    Names are in lower case.

    :returns: for each of them whether its values are unchanged.
    """
    query = compilation.queries[name]
    if name not in compilation.trees:  # Python, or SQL with errors
        read = {
            (relation, column.lower()): False
            for relation in query.inputs
            for column, _ in compilation.shapes.get(relation) or ()
        }
        return {column.name.lower(): read for column in pipeline.queries()[name].staged}
    schema = {r: dict(shape) for r in query.inputs if (shape := compilation.shapes.get(r))}
    if THIS in getattr(pipeline.queries()[name], "reads", {}):
        schema[THIS] = dict(compilation.shapes.get(name) or ())
    shown = shown_values(compilation.trees[name][1], schema)
    return {
        column.lower(): {(_relation(name, r), c.lower()): same for (r, c), same in fields.items()}
        for column, fields in shown.items()
    }


def _relation(name: str, called: str) -> str:
    return name if called == THIS else called


def passed_on(
    pipeline: Pipeline, compilation: Compilation, source: str, column: str
) -> dict[Field, bool]:
    """Return all columns that show values of a source's column, and whether they are unchanged."""
    found: dict[Field, bool] = {(source, column.lower()): True}
    for name in compilation.queries:
        for made, read in inputs(pipeline, compilation, name).items():
            through = [same and found[one] for one, same in read.items() if one in found]
            if through:
                found[name, made] = any(through)
    return found


def computed_from(compilation: Compilation, source: str) -> list[str]:
    """Return the transforms and KPIs that are computed from a source, in the order of a run."""
    return [name for name in compilation.queries if source in compilation.upstream(name)]
