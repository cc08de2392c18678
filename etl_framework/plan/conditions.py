"""Find what is wrong with the conditions that the checks of a relation hold."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.plan.compilation import Shape
from etl_framework.project.relation import Relation
from etl_framework.sql.conditions import condition_problems
from etl_framework.sql.planner import EmptyTables


def condition_diagnostics(
    relation: Relation, shape: Shape, tables: EmptyTables
) -> Iterator[Diagnostic]:
    """Everything that is wrong with the conditions of a relation's checks.

    :param shape: the relation's columns.
    """
    columns = dict(shape) if shape else None
    for index, check in enumerate(relation.block.checks):
        for key, condition in check.conditions().items():
            keys = (*relation.keys, "checks", index, key)
            for problem in condition_problems(condition, relation.name, columns, tables):
                place = relation.file.where_inside(keys, condition, problem.offset)
                yield Diagnostic(*place, problem.code, problem.message, problem.hint)
