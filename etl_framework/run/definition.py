"""What is written about a step, which does the same with the same rows as long as it stays."""

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
    """Changes whenever what is written about a step does; knows nothing of rows."""
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
    """A step and all that must have finished before it, in an order that they can run in."""
    found = {step.name}
    for each in reversed(plan.steps):
        if each.name in found:
            found.update(each.needs)
    yield from (each for each in plan.steps if each.name in found)
