"""The definition of a step: with the same definition and the same rows, its output is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from etl_framework import __version__
from etl_framework.engines.duckdb.function import source_file
from etl_framework.plan.plan import Plan, Step
from etl_framework.project.models import Transform
from etl_framework.sources.base import Source

ASIDE = {"description", "checks", "tests", "target", "wait", "deferrable"}


def definition(plan: Plan, step: Step) -> str:
    """Return a hash of all that files say about a step; it does not depend on rows."""
    block = step.block
    facts: list[Any] = [__version__, plan.environment.engine, step.kind, step.sql]
    facts += [plan.interval.key, block.model_dump_json(exclude=ASIDE) if block else ""]
    facts += [check.model_dump_json() for check in step.checks] + list(step.check_sql)
    if step.kind == "extract" and isinstance(block, Source):
        facts.append(plan.environment.connections[block.connection].model_dump_json())
    if isinstance(block, Transform) and block.python:
        file = source_file(plan.root, block.python)
        facts.append(file.read_text(encoding="utf-8") if file.is_file() else "")
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def needed(plan: Plan, step: Step) -> Iterator[Step]:
    """Yield a step and all steps that must finish before it, in the order in which they can run."""
    needed_names = {step.name}
    for plan_step in reversed(plan.steps):
        if plan_step.name in needed_names:
            needed_names.update(plan_step.needs)
    yield from (plan_step for plan_step in plan.steps if plan_step.name in needed_names)
