"""What the steps of a plan read of other data intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from etl_framework.engines.work import Work
from etl_framework.plan.plan import Plan
from etl_framework.plan.step import Step
from etl_framework.run.loads import load_of
from etl_framework.targets.earlier import Earlier, Read
from etl_framework.targets.load import Load
from etl_framework.targets.published import state
from etl_framework.targets.versions import Versions


def earlier_of(plan: Plan, step: Step) -> Earlier:
    """The rows that an `earlier` step reads."""
    kpi = plan.pipeline.kpis[step.relation]
    load = Load(kpi.target, tuple(kpi.columns), place=step.place)
    kind = Versions if step.is_history else Earlier
    return kind(plan.pipeline.name, load, plan.interval, step.time(plan.interval), step.own)


def earlier_and_own(work: Work) -> Earlier:
    """The same for a step that runs: a history needs the run's own rows, too."""
    rows = earlier_of(work.plan, work.step)
    for relation, need in work.step.inputs:
        rows = replace(rows, load=replace(load_of(work, relation, need), place=work.step.place))
    return rows


def windows_of(plan: Plan, kpi: str) -> list[Step]:
    """The steps that read other data intervals for a KPI, directly or for what it is made from."""
    return [step for step in plan.needed(plan.step(f"kpi.{kpi}")) if step.window]


def told(work: Work, kpi: str) -> dict[str, Any]:
    """What the ledger keeps of a KPI in a pipeline that reads other data intervals.

    The run that loads its table, and for each step that read other data intervals for it the state
    in which they were.
    """
    if not any(step.window for step in work.plan.steps):
        return {}
    published = {relation for relation, _ in work.step.inputs}
    facts: dict[str, Any] = {"run": work.run_id}
    reads = {}
    for step in windows_of(work.plan, kpi):
        outcome = work.run.step(step.name).outcome()
        runs = dict(outcome.sources) if outcome else {}
        if step.relation != kpi and step.relation in published:
            runs[work.plan.interval.key] = work.run_id
        reads[step.name] = state(runs)
    return {**facts, "reads": reads} if reads else facts


def read(work: Work, connection: str) -> Iterator[Read]:
    """What the run's steps have read of the tables of a connection."""
    for step in work.plan.steps:
        if not step.window:
            continue
        outcome = work.run.step(step.name).outcome()
        if outcome and work.plan.pipeline.kpis[step.relation].target.connection == connection:
            yield Read(earlier_of(work.plan, step), dict(outcome.sources), step.place)
