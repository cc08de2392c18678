"""What a step gets, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from etl_framework.checks.base import CheckResult
from etl_framework.plan import Plan, Step
from etl_framework.storage.parquet import see
from etl_framework.storage.staging import RunFolder, StepFolder

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Work:
    """One step about to be done.

    :param run_id: what tells this run from every other.
    :param inputs: the Parquet files of each relation that the step reads.
    :param on_cancel: takes a function that stops what is running, for Ctrl-C.
    """

    plan: Plan
    step: Step
    run: RunFolder
    run_id: str
    session: duckdb.DuckDBPyConnection
    inputs: dict[str, list[str]]
    on_cancel: Callable[[Callable[[], Any]], None]

    @property
    def folder(self) -> StepFolder:
        """Where the step leaves its output."""
        return self.run.step(self.step.name)

    def see_inputs(self) -> None:
        """Let SQL of the step's session name the relations that the step reads."""
        for relation, files in self.inputs.items():
            see(self.session, relation, files)


@dataclass(frozen=True)
class Outcome:
    """What a step did: counts by name, results of checks, the files of its relation."""

    counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    files: tuple[str, ...] = ()
