"""Do a step, unless its finished output is there and still true."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from etl_framework.engines.duckdb.check import check
from etl_framework.engines.duckdb.extract import extract, extraction
from etl_framework.engines.duckdb.transform import transform
from etl_framework.engines.redshift import check as pushdown_check
from etl_framework.engines.redshift import extract as pushdown_extract
from etl_framework.engines.redshift import transform as pushdown_transform
from etl_framework.engines.redshift.cluster import cluster
from etl_framework.engines.work import Work
from etl_framework.errors import ConflictError
from etl_framework.run.definition import definition
from etl_framework.run.publish import publish
from etl_framework.run.retry import until_it_passes
from etl_framework.sources.base import Source
from etl_framework.storage.decisions import corrections
from etl_framework.storage.outcome import Outcome
from etl_framework.storage.rejected import PARSE

DO = {"extract": extract, "check": check, "transform": transform, "kpi": transform}
IN_THE_CLUSTER = {
    "extract": pushdown_extract.extract,
    "check": pushdown_check.check,
    "transform": pushdown_transform.transform,
    "kpi": pushdown_transform.transform,
}


def do(work: Work, *, fresh: bool) -> tuple[Literal["done", "reused"], Outcome]:
    """Do the step and record its result, which makes it finished.

    :param fresh: do it even where its output is there.
    :raises EtlError: the step failed; it is not finished then.
    """
    if work.step.kind == "publish":
        return "done", publish(work)
    defined = definition(work.plan, work.step)
    fingerprint = _fingerprint(work, defined)
    earlier = None if fresh else work.folder.outcome()
    if earlier and earlier.fingerprint == fingerprint and _is_there(work, earlier.table):
        return "reused", earlier
    outcome = until_it_passes(work, partial(_outcome, work), on=ConflictError)
    files = tuple(work.run.names(outcome.files))
    outcome = replace(outcome, files=files, fingerprint=fingerprint, definition=defined)
    work.folder.finish(outcome)
    return "done", outcome


def _outcome(work: Work) -> Outcome:
    work.folder.begin()
    steps = IN_THE_CLUSTER if work.plan.environment.engine == "redshift" else DO
    return steps[work.step.kind](work)


def _is_there(work: Work, table: str) -> bool:
    """Whether the table of a finished step was not dropped since."""
    if not table:
        return True
    with cluster(work) as found:
        return found.has(table)


def _corrections(work: Work) -> list[Any]:
    """The corrections that can change what the step gives."""
    made = corrections(work.run, work.step.relation)
    return [
        [id_, decision.values]
        for id_, decision in made.items()
        if work.step.kind == "check" or decision.rule == PARSE
    ]


def _fingerprint(work: Work, defined: str) -> str:
    """Changes whenever the output could: with definition, inputs, a source's rows."""
    step, block = work.step, work.step.block
    facts: list[Any] = [defined]
    for _, need in step.inputs:
        outcome = work.run.step(need).outcome()
        facts.append(outcome.fingerprint if outcome else None)
    if isinstance(block, Source):
        facts += _corrections(work)
    if step.kind == "extract" and isinstance(block, Source):
        # Without a state the source is read again: no two tokens are equal.
        facts.append(block.state(extraction(work, work.folder)) or secrets.token_hex())
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
