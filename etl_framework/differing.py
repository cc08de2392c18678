"""What a change does to KPIs: the old and the new SQL over the same rows, compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from etl_framework.columns import Column
from etl_framework.config.models import Kpi
from etl_framework.config.project import Project
from etl_framework.errors import EtlError
from etl_framework.lineage import lineage, reached
from etl_framework.plan import Plan, Step, build_plan
from etl_framework.sql.quote import quote
from etl_framework.trying import Trial, trial

BASE = "base."
NUMBERS = ("integer", "decimal", "float")
LARGEST = 5


@dataclass(frozen=True)
class ColumnChange:
    """A column before and after: the sum of numbers, else how many values there are.

    :param rows: how many rows, of those in both, have another value.
    """

    name: str
    what: str
    before: Any
    after: Any
    rows: int


@dataclass(frozen=True)
class KpiDifference:
    """A KPI that a change touches.

    :param why: `new`, `removed`, or the relations whose definition differs.
    :param counts: of rows: `before`, `after`, `added`, `removed`, `changed`.
    :param largest: key, column, before, after and by how much, of the numbers that moved most.
    :param waiting: the pipelines that read the target or wait for it.
    :param problem: why it could not be compared.
    """

    pipeline: str
    kpi: str
    why: str
    target: str
    counts: dict[str, int] = field(default_factory=dict)
    columns: Sequence[ColumnChange] = ()
    largest: Sequence[tuple[Any, ...]] = ()
    waiting: Sequence[str] = ()
    problem: str = ""


def differences(
    project: Project, base: Project, environment: str | None, pipeline: str
) -> Iterator[KpiDifference]:
    """Every KPI of a pipeline that the change touches, through what it reads too.

    :param base: the project as it was.
    :raises DataMissingError: no run of the pipeline is in staging.
    :raises ConfigError: the pipeline's files are wrong.
    """
    model = project.pipeline(pipeline).model
    assert model is not None
    with trial(project, environment, model) as tried:
        plan = build_plan(project, pipeline, environment, tried.interval)
        old = _old_plan(base, pipeline, environment, tried)
        kpis = {**(old.pipeline.kpis if old else {}), **plan.pipeline.kpis}
        for name, kpi in kpis.items():
            if why := _why(plan, old, name):
                waiting = _waiting(project, pipeline, name, kpi)
                target = f"{kpi.target.connection}.{kpi.target.table}"
                try:
                    compared = _compared(tried, plan, old, name, kpi, why)
                except EtlError as error:
                    compared = {"problem": error.diagnostics[0].message}
                yield KpiDifference(pipeline, name, why, target, waiting=waiting, **compared)


def _old_plan(base: Project, pipeline: str, environment: str | None, tried: Trial) -> Plan | None:
    """The plan at the base; None where there was none, or a broken one."""
    try:
        return build_plan(base, pipeline, environment, tried.interval)
    except EtlError:
        return None


def _why(plan: Plan, old: Plan | None, kpi: str) -> str:
    """Why a KPI is touched; empty when it is not."""
    if kpi not in plan.pipeline.kpis:
        return "removed"
    if old is None or kpi not in old.pipeline.kpis:
        return "new"
    known, was = _definitions(plan), _definitions(old)
    mine = dict.fromkeys([kpi, *(of for of, _ in _read(plan, kpi))])
    return ", ".join(name for name in mine if known.get(name) != was.get(name))


def _read(plan: Plan, kpi: str) -> Iterator[tuple[str, str]]:
    return reached(lineage(plan), (kpi, "*"))


def _definitions(plan: Plan) -> dict[str, object]:
    """What decides about the rows of each relation."""
    making = (step for step in plan.steps if step.relation and step.kind != "check")
    return {
        step.relation: (step.sql, getattr(step.block, "python", None), _columns(step))
        for step in making
    }


def _columns(step: Step) -> list[tuple[str, str]]:
    return [
        (column.name, str(column.type)) for column in (step.block.columns if step.block else ())
    ]


def _waiting(project: Project, pipeline: str, name: str, kpi: Kpi) -> list[str]:
    """The pipelines that wait for a KPI, or read the table it is published in."""
    found = []
    for other in (each.model for each in project.pipelines if each.model):
        reads = any(
            getattr(source, "table", None) == kpi.target.table for source in other.sources.values()
        )
        if f"{pipeline}.{name}" in other.after or reads:
            found.append(other.name)
    return found


def _compared(
    tried: Trial, plan: Plan, old: Plan | None, name: str, kpi: Kpi, why: str
) -> dict[str, Any]:
    if why == "new" or old is None:
        tried.make(plan, name)
        rows = _one(tried, f"SELECT COUNT(*) FROM {quote(name)}")[0]
        return {"counts": {"before": 0, "after": rows, "added": rows, "removed": 0, "changed": 0}}
    tried.make(old, name, BASE)
    if why == "removed":
        rows = _one(tried, f"SELECT COUNT(*) FROM {quote(BASE + name)}")[0]
        return {"counts": {"before": rows, "after": 0, "added": 0, "removed": rows, "changed": 0}}
    tried.make(plan, name)
    was = {column.name: column for column in old.pipeline.kpis[name].columns}
    shared = [column for column in kpi.columns if column.name in was]
    keys = [column.name for column in shared if column.primary_key]
    return _by_key(tried, name, keys, shared) if keys else _as_a_whole(tried, name, shared)


def _as_a_whole(tried: Trial, name: str, shared: Sequence[Column]) -> dict[str, Any]:
    """Rows that only one side has; without a key none can be told to have changed."""
    named = ", ".join(quote(column.name) for column in shared)
    new, old = (f"SELECT {named} FROM {quote(each)}" for each in (name, BASE + name))
    before, after, added, removed = _one(
        tried,
        f"SELECT (SELECT COUNT(*) FROM ({old})), (SELECT COUNT(*) FROM ({new})), "
        f"(SELECT COUNT(*) FROM ({new} EXCEPT ALL {old})), "
        f"(SELECT COUNT(*) FROM ({old} EXCEPT ALL {new}))",
    )
    counts = {"before": before, "after": after, "added": added, "removed": removed, "changed": 0}
    columns = [_column(tried, name, column, None) for column in shared]
    return {"counts": counts, "columns": [each for each in columns if each.before != each.after]}


def _by_key(
    tried: Trial, name: str, keys: Sequence[str], shared: Sequence[Column]
) -> dict[str, Any]:
    on = " AND ".join(f"n.{quote(key)} IS NOT DISTINCT FROM o.{quote(key)}" for key in keys)
    both = f"(SELECT *, 1 AS etl_is FROM {quote(name)}) AS n FULL JOIN "
    both += f"(SELECT *, 1 AS etl_is FROM {quote(BASE + name)}) AS o ON {on}"
    values = [column for column in shared if column.name not in keys]
    differ = [f"n.{quote(c.name)} IS DISTINCT FROM o.{quote(c.name)}" for c in values]
    matched = "n.etl_is IS NOT NULL AND o.etl_is IS NOT NULL"
    counted = ["COUNT(o.etl_is)", "COUNT(n.etl_is)", "COUNT(*) FILTER (WHERE o.etl_is IS NULL)",
               "COUNT(*) FILTER (WHERE n.etl_is IS NULL)",
               f"COUNT(*) FILTER (WHERE {matched} AND ({' OR '.join(differ) or 'false'}))",
               *(f"COUNT(*) FILTER (WHERE {matched} AND {each})" for each in differ)]  # fmt: skip
    found = _one(tried, f"SELECT {', '.join(counted)} FROM {both}")
    counts = dict(zip(("before", "after", "added", "removed", "changed"), found, strict=False))
    columns = [
        _column(tried, name, column, rows)
        for column, rows in zip(values, found[len(counts) :], strict=True)
        if rows or counts["added"] or counts["removed"]
    ]
    key = " || ', ' || ".join(
        f"COALESCE(CAST(n.{quote(each)} AS VARCHAR), 'NULL')" for each in keys
    )
    moved = [
        f"SELECT {key}, '{column.name}', CAST(o.{quote(column.name)} AS VARCHAR), "
        f"CAST(n.{quote(column.name)} AS VARCHAR), "
        f"CAST(n.{quote(column.name)} AS DOUBLE) - CAST(o.{quote(column.name)} AS DOUBLE) AS moved "
        f"FROM {both} WHERE {matched} AND {differ}"
        for column, differ in zip(values, differ, strict=True)
        if column.type.family in NUMBERS
    ]
    sql = " UNION ALL ".join(moved) + f" ORDER BY ABS(moved) DESC NULLS LAST, 1, 2 LIMIT {LARGEST}"
    largest = tried.session.execute(sql).fetchall() if moved else []
    return {"counts": counts, "columns": columns, "largest": largest}


def _column(tried: Trial, name: str, column: Column, rows: int | None) -> ColumnChange:
    number = column.type.family in NUMBERS
    what = f"SUM({quote(column.name)})" if number else f"COUNT(DISTINCT {quote(column.name)})"
    before, after = (
        _one(tried, f"SELECT {what} FROM {quote(each)}")[0] for each in (BASE + name, name)
    )
    return ColumnChange(column.name, "sum" if number else "values", before, after, rows or 0)


def _one(tried: Trial, sql: str) -> tuple[Any, ...]:
    found = tried.session.execute(sql).fetchone()
    assert found is not None
    return found
