"""What machines are told about a run and its steps, in the log and in a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.run.run import Run, StepResult

Results = Mapping[str, "StepResult"]


def about(run: Run) -> dict[str, Any]:
    """Which run it is: its pipeline, its environment, its data interval, its id."""
    plan = run.plan
    return {
        "pipeline": plan.pipeline.name,
        "environment": plan.environment_name,
        "interval_start": plan.interval.start.isoformat(),
        "interval_end": plan.interval.end.isoformat(),
        "run": run.run_id,
    }


def step_facts(result: StepResult) -> dict[str, Any]:
    """How a step ended: its state, its seconds, its counts, and the errors that it ended with."""
    facts: dict[str, Any] = {
        "step": result.step,
        "state": result.state,
        "seconds": round(result.seconds, 3),
        "counts": dict(result.counts),
    }
    if result.note:
        facts["note"] = result.note
    if result.error:
        facts["error"] = result.error.diagnostics[0].message
    return facts


def run_facts(plan: Plan, results: Results) -> dict[str, Any]:
    """What a run did: each step, each check, and the rows of each source."""
    return {
        "sources": [
            {"source": name, "read": read, "kept": kept, "rejected": rejected}
            for name, read, kept, rejected in source_rows(plan, results)
        ],
        "steps": [step_facts(result) for result in results.values()],
        "checks": check_facts(*results.values()),
    }


def check_facts(*results: StepResult) -> list[dict[str, Any]]:
    """The results of the checks of some steps, without example rows."""
    return [check.facts() for result in results for check in result.checks]


def published(plan: Plan, results: Results) -> dict[str, Any] | None:
    """How many rows were published, and to which tables; None if nothing was."""
    publish = results.get("publish")
    if publish is None or publish.state != "done":
        return None
    ended = {name for name, result in results.items() if result.state in ("done", "reused")}
    names = [name for name, made in plan.step("publish").inputs if made in ended]
    tables = [plan.pipeline.kpis[name].target.table for name in names]
    return {"rows": publish.counts["rows"], "tables": tables}


def source_rows(plan: Plan, results: Results) -> list[tuple[str, int, int, int]]:
    """How many rows of each source were read, kept and rejected."""
    sources = []
    for name in plan.pipeline.sources:
        extracted = results.get(f"extract.{name}")
        if extracted is None or "read" not in extracted.counts:
            continue
        checked = results.get(f"check.{name}")
        taken_out = checked.counts.get("quarantined", 0) if checked else 0
        read, rejected = extracted.counts["read"], extracted.counts["rejected"] + taken_out
        sources.append((name, read, read - rejected, rejected))
    return sources
