"""What a change does to KPIs: run the old and the new SQL on the same rows and compare."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from etl_framework.errors import EtlError
from etl_framework.plan.plan import Plan
from etl_framework.project.models import Kpi
from etl_framework.project.placed import like
from etl_framework.project.project import PipelineFile, Project
from etl_framework.run.execute import definition
from etl_framework.workbench.compare import ColumnChange, compared, counted
from etl_framework.workbench.inputs import BASE, NOW, Inputs, open_inputs

NEW, REMOVED = "new", "removed"


@dataclass(frozen=True)
class KpiDifference:
    """A KPI that a change affects.

    :param why: `new`, `removed`, or the relations whose definition differs.
    :param contract: how its columns changed: `+ total bigint`, `- sum bigint`.
    :param counts: numbers of rows: `before`, `after`, `added`, `removed`, `changed`.
    :param largest: the numbers that changed most: key, column, before, after and the difference.
    :param first: for a new KPI, the names of its columns and then some of its rows.
    :param waiting: the pipelines that read the target or wait for it.
    :param problem: why it could not be compared.
    """

    pipeline: str
    kpi: str
    why: str
    target: str
    contract: Sequence[str] = ()
    counts: dict[str, int] = field(default_factory=dict)
    columns: Sequence[ColumnChange] = ()
    largest: Sequence[tuple[Any, ...]] = ()
    first: Sequence[tuple[Any, ...]] = ()
    waiting: Sequence[str] = ()
    problem: str = ""


def differences(
    project: Project,
    base: Project | None,
    environment: str | None,
    name: str,
    on: date | None = None,
    only: Collection[str] | None = None,
    *,
    examples: bool = False,
) -> Iterator[KpiDifference]:
    """Yield every KPI of a pipeline that the change affects, also if only its inputs changed.

    :param base: the project before the change; None if there was none.
    :param name: the pipeline.
    :param on: the day of the data interval; None for the interval of the latest run.
    :param only: these KPIs alone; None for all.
    :param examples: compute over the example rows of the tests only.
    :raises EtlError: the pipeline's files have errors now.
    """
    project = project.at(environment)
    base = base and like(base, project, project.environment_name(environment))
    now, was = _file(project, name), _file(base, name)
    model = next((version.model for version in (now, was) if version and version.model), None)
    if model is None:
        return
    with open_inputs(project, environment, model, on, examples=examples) as inputs:
        plan = inputs.plan(inputs.project, name) if now else None
        old, broken = None, ""
        try:
            old = inputs.plan(base, name) if base and was else None
        except EtlError as error:
            broken = f"the files at the base are wrong: {error.diagnostics[0]}".split("\n")[0]
        sides = _Sides(inputs, plan, old)
        if plan and broken:
            touched = dict.fromkeys(plan.pipeline.kpis, "the base is broken")
        else:
            touched = dict(_touched(plan, old))
        for kpi, why in touched.items():
            if only is not None and kpi not in only:
                continue
            yield _difference(project, sides, kpi, why, broken)


class _Sides:
    """A pipeline as it is now and as it was, over the same rows; one of the two may be missing."""

    def __init__(self, inputs: Inputs, plan: Plan | None, old: Plan | None) -> None:
        self.inputs = inputs
        self._plans = {NOW: plan, BASE: old}
        self._sandboxes = {
            side: inputs.sandbox(plan, side) for side, plan in self._plans.items() if plan
        }

    def kpi(self, name: str, side: str) -> Kpi | None:
        plan = self._plans[side]
        return plan.pipeline.kpis.get(name) if plan else None

    def table(self, name: str, side: str) -> str:
        """Compute a KPI and return the table that holds it.

        :raises EtlError: the KPI cannot be computed.
        """
        self._sandboxes[side].make(name)
        return self._sandboxes[side].table(name)


def _file(project: Project | None, name: str) -> PipelineFile | None:
    known = project.pipelines if project else ()
    return next(
        (pipeline_file for pipeline_file in known if pipeline_file.stem == name),
        None,
    )


def _touched(plan: Plan | None, old: Plan | None) -> Iterator[tuple[str, str]]:
    """Yield each KPI that differs, and why."""
    for kpi in plan.pipeline.kpis if plan else ():
        if plan and (not old or kpi not in old.pipeline.kpis):
            yield kpi, NEW
        elif plan and old and (why := _changed(plan, old, kpi)):
            yield kpi, ", ".join(why)
    for kpi in old.pipeline.kpis if old else ():
        if not plan or kpi not in plan.pipeline.kpis:
            yield kpi, REMOVED


def _changed(plan: Plan, old: Plan, kpi: str) -> dict[str, None]:
    """Return the KPI and those of its inputs whose definition differs, the KPI first."""
    was = {step.name: definition(old, step) for step in old.steps}
    return {
        step.relation: None
        for step in reversed(plan.needed(plan.step(f"kpi.{kpi}")))
        if definition(plan, step) != was.get(step.name)
    }


def _difference(project: Project, sides: _Sides, name: str, why: str, broken: str) -> KpiDifference:
    known, was = sides.kpi(name, NOW), sides.kpi(name, BASE)
    kpi = known or was
    assert kpi is not None
    pipeline, session = sides.inputs.pipeline, sides.inputs.session
    difference = KpiDifference(
        pipeline.name,
        name,
        why,
        f"{kpi.target.connection}.{kpi.target.table}",
        contract=_contract(known, was) if known and was else (),
        waiting=_waiting(project, pipeline.name, name, kpi),
        problem=broken,
    )
    if broken:
        return difference
    try:
        if known and was:
            tables = sides.table(name, NOW), sides.table(name, BASE)
            comparison = compared(session, tables, known, was, pipeline.sensitive())
        else:
            table = sides.table(name, NOW if known else BASE)
            comparison = counted(session, table, kpi, new=known is not None)
        return replace(difference, **vars(comparison))
    except EtlError as error:
        return replace(difference, problem=error.diagnostics[0].message)


def _contract(kpi: Kpi, was: Kpi) -> list[str]:
    """Return the columns that were added, removed or given another type."""
    types = {column.name: str(column.type) for column in kpi.columns}
    old = {column.name: str(column.type) for column in was.columns}
    return [
        *(f"+ {name} {type_}" for name, type_ in types.items() if name not in old),
        *(f"- {name} {type_}" for name, type_ in old.items() if name not in types),
        *(f"{n} {old[n]} → {type_}" for n, type_ in types.items() if old.get(n, type_) != type_),
    ]


def _waiting(project: Project, pipeline: str, name: str, kpi: Kpi) -> list[str]:
    """Return the pipelines that wait for a KPI or read the table that it is published to."""
    waiting = []
    for other in project.models:
        reads = any(
            getattr(source, "table", None) == kpi.target.table for source in other.sources.values()
        )
        if f"{pipeline}.{name}" in other.after or reads:
            waiting.append(other.name)
    return waiting
