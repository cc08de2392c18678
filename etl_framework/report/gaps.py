"""What pipelines leave open: columns without a check or a description, KPIs without an owner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from etl_framework.checks.sql import Sql
from etl_framework.project.project import Project
from etl_framework.project.relation import Relation
from etl_framework.report.facts import Wall


@dataclass(frozen=True)
class Gap:
    """A source or KPI that says too little.

    :param name: its name with the pipeline's.
    :param kind: `source` or `KPI`.
    :param columns: how many it has.
    :param unchecked: the columns that no check looks at.
    :param undescribed: the columns without a description.
    :param missing: what it lacks itself: an owner, a description.
    """

    name: str
    kind: str
    columns: int
    unchecked: Sequence[str]
    undescribed: Sequence[str]
    missing: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.unchecked or self.undescribed or self.missing)


def gaps(project: Project, walls: Iterable[Wall]) -> list[Gap]:
    """What each source and KPI of some pipelines leaves open; those with nothing, too."""
    by_name = {wall.pipeline.name: wall for wall in walls}
    return [
        _gap(relation, by_name[relation.pipeline.name])
        for relation in project.relations("source", "kpi")
        if relation.pipeline.name in by_name
    ]


def _gap(relation: Relation, wall: Wall) -> Gap:
    kpi = relation.kind == "kpi"
    seen = {name.lower() for name in _checked(relation, wall)}
    columns = relation.block.columns
    lacks = {
        "owner": kpi and not relation.pipeline.owner,
        "description": not relation.block.description,
    }
    return Gap(
        name=relation.full_name,
        kind="KPI" if kpi else "source",
        columns=len(columns),
        unchecked=[column.name for column in columns if column.name.lower() not in seen],
        undescribed=[column.name for column in columns if not column.description],
        missing=[name for name, is_missing in lacks.items() if is_missing],
    )


def _checked(relation: Relation, wall: Wall) -> Iterator[str]:
    """The columns that checks look at, and other words of their SQL."""
    for check in relation.checks:
        yield from check.checked_columns()
        for key, sql in check.conditions().items():
            if key != "where":
                yield from _words(sql)
    steps = wall.plan.steps if wall.plan else ()
    for step in steps:
        if step.relation == relation.name and step.kind == "check":
            for check, made in zip(step.checks, step.check_sql, strict=True):
                if isinstance(check, Sql):
                    yield from _words(made.query)


def _words(sql: str) -> list[str]:
    return re.findall(r"[A-Za-z_]\w*", sql)
