"""Run a step, unless its finished output exists and is still valid."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import astuple, dataclass, field, replace
from functools import partial
from typing import Any, Literal

from etl_framework import __version__
from etl_framework.engines.base import Engine, engine_of
from etl_framework.engines.duckdb.function import source_file
from etl_framework.engines.work import Work
from etl_framework.errors import ConflictError, EtlError
from etl_framework.plan.plan import Plan
from etl_framework.plan.step import Step
from etl_framework.project.models import Transform
from etl_framework.run.earlier import earlier_and_own
from etl_framework.run.publish import publish
from etl_framework.run.retry import until_it_passes
from etl_framework.sources.base import Source
from etl_framework.sql.masks import keyed
from etl_framework.storage.decisions import corrections
from etl_framework.storage.outcome import CheckResult, Outcome
from etl_framework.storage.rejected import PARSE

# What a block says that does not change its rows.
ASIDE = {"description", "checks", "tests", "target", "exposures", "wait", "deferrable"}


State = Literal["started", "done", "reused", "failed", "skipped"]


@dataclass(frozen=True)
class StepResult:
    """How a step ended; in the state `reused`, its finished output existed before.

    :param note: why a finished step was done again, if its output was broken.
    """

    step: str
    state: State
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    error: EtlError | None = None
    note: str = ""


@dataclass(frozen=True)
class Done:
    """What a step left; `note` says why it was done again, if its output was broken."""

    state: Literal["done", "reused"]
    outcome: Outcome
    note: str = ""


def do(work: Work, *, fresh: bool) -> Done:
    """Run a step and record its result, which makes it finished.

    :param fresh: run the step even if its output exists.
    :raises EtlError: the step failed, and is not finished.
    """
    if work.step.kind == "publish":
        return Done("done", publish(work))
    defined = definition(work.plan, work.step)
    fingerprint = _fingerprint(work, defined)
    engine = engine_of(work.plan.environment)
    broken = ""
    if not fresh:
        earlier = work.folder.outcome()
        same = earlier and earlier.fingerprint == fingerprint and engine.has(work, earlier)
        broken = work.folder.broken() if same or not earlier else ""
        if earlier and same and not broken:
            return Done("reused", earlier)
    outcome = until_it_passes(work, partial(_outcome, work, engine), on=ConflictError)
    files = tuple(work.run.names(outcome.files))
    outcome = replace(outcome, files=files, fingerprint=fingerprint, definition=defined)
    work.folder.finish(outcome)
    return Done("done", outcome, broken and f"made again, because {broken}")


def _outcome(work: Work, engine: Engine) -> Outcome:
    work.folder.begin()
    if work.step.kind == "extract":
        return engine.extract(work)
    if work.step.kind == "earlier":
        return engine.earlier(work, earlier_and_own(work))
    return engine.check(work) if work.step.kind == "check" else engine.transform(work)


def _corrections(work: Work) -> list[Any]:
    """Return the corrections that can change the output of the step."""
    made = corrections(work.run, work.step.relation)
    return [
        [id_, decision.values]
        for id_, decision in made.items()
        if work.step.kind == "check" or decision.rule == PARSE
    ]


def _personal(work: Work) -> list[Any]:
    """Return what changes masks, and whose rows are left out."""
    hashes = any(column.mask == "hash" for column in work.source.columns)
    salted = [keyed(work.plan.workspace.salt, "fingerprint")] if hashes else []
    return [*salted, *([entry.hashes, entry.ids] for entry in work.forgotten)]


def _fingerprint(work: Work, defined: str) -> str:
    """Return a hash that changes when the output could: with definition, inputs or source rows."""
    step, block = work.step, work.step.block
    facts: list[Any] = [defined]
    for _, need in step.inputs:
        outcome = work.run.step(need).outcome()
        facts.append(outcome.fingerprint if outcome else None)
    if isinstance(block, Source):
        facts += _corrections(work)
    if step.kind == "extract" and isinstance(block, Source):
        facts += _personal(work)
    if step.kind == "earlier":
        facts.append(secrets.token_hex())  # the table is always read again
    if step.kind == "extract" and isinstance(block, Source):
        # A source without a state is always read again, because every token is different.
        facts.append(block.state(work.extraction(work.folder)) or secrets.token_hex())
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def definition(plan: Plan, step: Step) -> str:
    """Return a hash of all that files say about a step; it does not depend on rows."""
    block = step.block
    facts: list[Any] = [__version__, plan.environment.engine, step.kind, step.sql]
    facts += [
        plan.interval.key,
        str(step.window),
        block.model_dump_json(exclude=ASIDE | ({"params"} if step.sql else set())) if block else "",
    ]
    facts += [check.model_dump_json() for check in step.checks]
    facts += [astuple(sql) for sql in step.check_sql]
    if step.kind == "extract" and isinstance(block, Source):
        facts.append(plan.environment.connections[block.connection].model_dump_json())
    if isinstance(block, Transform) and block.python:
        file = source_file(plan.root, block.python)
        facts.append(file.read_text(encoding="utf-8") if file.is_file() else "")
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
