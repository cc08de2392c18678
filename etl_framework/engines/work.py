"""What an engine gets to do a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from etl_framework.plan.plan import Plan, Step
from etl_framework.sources.base import Extraction, Source
from etl_framework.storage.archived import archived
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

    @property
    def source(self) -> Source:
        """The source that the step reads.

        :raises TypeError: it reads none.
        """
        if not isinstance(self.step.block, Source):
            raise TypeError(f"{self.step.name} is not a source")
        return self.step.block

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

    def extraction(self, folder: StepFolder) -> Extraction:
        """What the source of the step gets to do its work.

        :param folder: of the step that extracts.
        """
        source = self.source
        return Extraction(
            source=self.step.relation,
            run=self.run_id,
            interval=self.plan.interval,
            connection=self.plan.workspace.connection(source.connection),
            root=self.plan.root,
            folder=folder,
            session=self.session,
            on_cancel=self.on_cancel,
            archived=archived(self.run, self.step.relation),
        )
