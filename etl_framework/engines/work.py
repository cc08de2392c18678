"""What an engine needs to run a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from etl_framework.engines.read_files import read_files
from etl_framework.engines.watermark import watermark
from etl_framework.plan.plan import Plan
from etl_framework.plan.step import Step
from etl_framework.sources.base import Extraction, Source
from etl_framework.sources.read_files import ReadFiles
from etl_framework.storage.archive import archived
from etl_framework.storage.forgotten import Forgotten, forgotten
from etl_framework.storage.parquet import see
from etl_framework.storage.staging import RunFolder
from etl_framework.storage.step_folder import StepFolder
from etl_framework.targets.load import Older

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Work:
    """One step to run.

    :param run_id: identifies this run.
    :param on_cancel: registers a function that stops the running work when the user presses Ctrl-C.
    :param older: what publishing does to a table that holds the rows of a newer data interval.
    """

    plan: Plan
    step: Step
    run: RunFolder
    run_id: str
    session: duckdb.DuckDBPyConnection
    on_cancel: Callable[[Callable[[], Any]], None]
    older: Older = "refuse"

    @property
    def folder(self) -> StepFolder:
        """The folder for the step's output."""
        return self.run.step(self.step.name)

    @property
    def source(self) -> Source:
        """The source that the step reads.

        :raises TypeError: the step reads no source.
        """
        if not isinstance(self.step.block, Source):
            raise TypeError(f"{self.step.name} is not a source")
        return self.step.block

    def files(self, need: str) -> list[str]:
        """Return the Parquet files that a step's result names, relative to the run's folder."""
        outcome = self.run.step(need).outcome()
        return list(outcome.files) if outcome else []

    @cached_property
    def inputs(self) -> dict[str, list[str]]:
        """The Parquet files of every relation that the step reads; downloaded if they are in S3."""
        files: dict[str, list[str]] = {}
        for relation, need in self.step.inputs:
            files.setdefault(relation, []).extend(self.run.fetch(self.files(need)))
        return files

    def see_inputs(self) -> None:
        """Let the session's SQL read the relations that the step reads."""
        for relation, files in self.inputs.items():
            see(self.session, relation, files)

    def extraction(self, folder: StepFolder) -> Extraction:
        """Return what the step's source needs to read its rows.

        :param folder: the folder of the extract step.
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
            since=self._since,
            read_files=self._read_files,
        )

    @cached_property
    def forgotten(self) -> list[Forgotten]:
        """Whose rows of the step's source are left out."""
        plan = self.plan
        return forgotten(plan.workspace.staging, plan.pipeline.name, self.step.relation)

    # The ledger is asked once: what is extracted is what the fingerprint was made of.
    @cached_property
    def _since(self) -> datetime | None:
        return watermark(self.plan, self.step.relation)

    @cached_property
    def _read_files(self) -> ReadFiles | None:
        return read_files(self.plan, self.step.relation, again=self.older == "keep")
