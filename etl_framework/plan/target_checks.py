"""The checks of whole targets that a pipeline's file declares, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl_framework.checks.base import Check, RowCheck
from etl_framework.checks.over_time import OverTime
from etl_framework.errors import Diagnostic
from etl_framework.plan.compilation import Compiled
from etl_framework.project.models import Kpi
from etl_framework.project.project import PipelineFile
from etl_framework.project.relation import Relation
from etl_framework.targets.checks import Other, TargetCheck

# The SQL of checks, by relation and position in the relation's list of checks.
Queries = Mapping[tuple[str, int], Compiled]


def target_checks(
    relation: Relation, relations: Mapping[str, Relation], queries: Queries
) -> tuple[TargetCheck, ...]:
    """The checks of the table that a KPI is loaded into, in the order of the file."""
    if not isinstance(relation.block, Kpi):
        return ()
    found, implied = [], len(relation.implied_checks)
    table, columns = relation.block.target.table, tuple(relation.block.columns)
    for index, check in enumerate(relation.checks):
        if check.on == "target":
            query = queries.get((relation.name, index - implied))
            others = [
                Other(name, block.target.table, tuple(block.columns))
                for name in read_by(check, query)
                if name in relations and isinstance(block := relations[name].block, Kpi)
            ]
            # One whose table is called as another KPI comes first, where that name is the table's.
            others.sort(key=lambda other: other.table not in relations)
            select = (query.rendered, query.sql) if query else ("", "")
            place = relation.check_places[index]
            found.append(
                TargetCheck(check, relation.name, table, columns, place, tuple(others), select)
            )
    return tuple(found)


def read_by(check: Check, query: Compiled | None) -> tuple[str, ...]:
    """The relations that a check reads beside its own."""
    parent = check.parent()
    return query.inputs if query else (parent[0],) if parent else ()


def target_check_problems(pipeline_file: PipelineFile, queries: Queries) -> Iterator[Diagnostic]:
    """The checks that say `on: target` and cannot be one of a table in the warehouse."""
    relations = pipeline_file.relations
    for relation in relations.values():
        for index, check in enumerate(relation.block.checks):
            read = read_by(check, queries.get((relation.name, index)))
            if check.on == "target" and (problem := _problem(relation, check, read, relations)):
                keys = (*relation.keys, "checks", index, "on")
                yield pipeline_file.file.diagnostic(keys, "E324", *problem, of_key=True)


def _problem(
    relation: Relation, check: Check, read: tuple[str, ...], relations: Mapping[str, Relation]
) -> tuple[str, str] | None:
    without = "take `on: target` out, to check the run's rows"
    if not isinstance(relation.block, Kpi):
        return f"'{relation.name}' is a {relation.kind}, which has no target", without
    if isinstance(check, RowCheck) and check.on_fail == "quarantine":
        return "no row can be taken out of a table that others read", "write on_fail: fail"
    if isinstance(check, OverTime):
        message = "a whole table grows with each data interval, and is another when one is rerun"
        hint = "write row_count with max_change, which compares with the table before the run; or "
        return message, hint + without
    for name in read:
        other = relations.get(name)
        if other is None:
            continue  # told where the check names it
        if not isinstance(other.block, Kpi):
            message = f"'{name}' is a {other.kind}, whose rows are not in the warehouse"
            return message, f"compare with a KPI, or {without}"
        if other.block.target.connection != relation.block.target.connection:
            message = f"the table of '{name}' lies in '{other.block.target.connection}'"
            return message, f"a check reads one database: {without}"
    return None
