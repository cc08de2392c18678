"""What a step gets, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from etl_framework.plan import Plan, Step
from etl_framework.storage.parquet import see
from etl_framework.storage.staging import RunFolder, StepFolder

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Work:
    """One step about to be done.

    :param run_id: what tells this run from every other.
    :param on_cancel: takes a function that stops what is running, for Ctrl-C.
    """

    plan: Plan
    step: Step
    run: RunFolder
    run_id: str
    session: duckdb.DuckDBPyConnection
    on_cancel: Callable[[Callable[[], Any]], None]

    @property
    def folder(self) -> StepFolder:
        """Where the step leaves its output."""
        return self.run.step(self.step.name)

    def files(self, need: str) -> list[str]:
        """The Parquet files that a step's result names, as it names them."""
        outcome = self.run.step(need).outcome()
        return list(outcome.files) if outcome else []

    @cached_property
    def inputs(self) -> dict[str, list[str]]:
        """The Parquet files of each relation that the step reads, brought here if need be."""
        return {relation: self.run.fetch(self.files(need)) for relation, need in self.step.inputs}

    def see_inputs(self) -> None:
        """Let SQL of the step's session name the relations that the step reads."""
        for relation, files in self.inputs.items():
            see(self.session, relation, files)
