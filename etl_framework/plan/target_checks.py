"""The checks of whole targets that a pipeline's file declares, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.checks.base import Check, RowCheck
from etl_framework.checks.over_time import OverTime
from etl_framework.checks.sql import Sql
from etl_framework.errors import Diagnostic
from etl_framework.project.models import Kpi
from etl_framework.project.project import PipelineFile
from etl_framework.project.relation import Relation
from etl_framework.targets.checks import TargetCheck


def target_checks(relation: Relation) -> tuple[TargetCheck, ...]:
    """The checks of the table that a KPI is loaded into, in the order of the file."""
    if not isinstance(relation.block, Kpi):
        return ()
    table, columns = relation.block.target.table, tuple(relation.block.columns)
    return tuple(
        TargetCheck(check, relation.name, table, columns, place)
        for check, place in zip(relation.checks, relation.check_places, strict=True)
        if check.on == "target"
    )


def target_check_problems(pipeline_file: PipelineFile) -> Iterator[Diagnostic]:
    """The checks that say `on: target` and cannot be one of a table in the warehouse."""
    for relation in pipeline_file.relations.values():
        for index, check in enumerate(relation.block.checks):
            if check.on == "target" and (problem := _problem(relation, check)):
                keys = (*relation.keys, "checks", index, "on")
                yield pipeline_file.file.diagnostic(keys, "E324", *problem, of_key=True)


def _problem(relation: Relation, check: Check) -> tuple[str, str] | None:
    without = "take `on: target` out, to check the run's rows"
    if relation.kind != "kpi":
        return f"'{relation.name}' is a {relation.kind}, which has no target", without
    if isinstance(check, RowCheck) and check.on_fail == "quarantine":
        return "no row can be taken out of a table that others read", "write on_fail: fail"
    if getattr(check, "max_change", None) or isinstance(check, OverTime):
        return "the rows of a whole target are not compared with runs before", without
    if isinstance(check, Sql) or check.parent():
        return "a check of a whole target reads no other relation", without
    return None
