"""Run a plan: each step after the steps that it needs, and independent steps in parallel."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any

from etl_framework.connections.label import Label, labelled
from etl_framework.engines.duckdb.session import Database
from etl_framework.engines.work import Work
from etl_framework.errors import CheckFailedError, ConfigError, Diagnostic, EtlError, StepError
from etl_framework.errors.failures import DUCKDB, of_class, of_system
from etl_framework.errors.secrets import said
from etl_framework.plan.blame import in_template
from etl_framework.plan.plan import Plan
from etl_framework.plan.step import Step
from etl_framework.run.archive import archive
from etl_framework.run.copies import copy_records
from etl_framework.run.execute import StepResult as StepResult
from etl_framework.run.execute import do
from etl_framework.run.recorder import OnResult, Recorder, commit_of
from etl_framework.storage.spill import beside, spill_folder
from etl_framework.storage.staging import RunFolder
from etl_framework.targets.load import Older

# How many steps run in parallel. They mostly wait for a server or a disk; to compute, the engine
# has its own threads.
SIDE_BY_SIDE = 4
STOP_SECONDS = 3


class Run:
    """One run of a plan, with its folder in staging and the functions that stop running work.

    :param fresh: do every step again, even where its output is there.
    :param older: what becomes of tables that hold the rows of a newer data interval.
    :param how: what started it, for its record: a command, or a DAG run, whose tasks are one run.
    :param recorded: leave a record in the history.
    :raises ConfigError: params of the pipeline have no value.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        fresh: bool = False,
        older: Older = "refuse",
        how: str = "",
        recorded: bool = True,
    ) -> None:
        if plan.unset:
            raise ConfigError(plan.unset)
        self.plan = plan
        self.folder: RunFolder = plan.workspace.staging.run(plan.pipeline.name, plan.interval.key)
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._fresh = fresh
        self._older = older
        self._how = how
        self._recorded = recorded
        self._cancels: dict[str, list[Callable[[], Any]]] = {}

    @contextmanager
    def _engine(self) -> Iterator[Database]:
        environment, zone = self.plan.environment, self.plan.pipeline.timezone
        staging = self.plan.workspace.staging.path
        with spill_folder(beside(staging) / self.plan.pipeline.name) as spill:
            folders = self.plan.workspace.folders(self.plan.pipeline)
            limits = environment.memory_limit, environment.threads
            engine = Database(*limits, spill, zone, folders)
            with closing(engine):
                yield engine

    def all_steps(self, on_result: OnResult) -> list[StepResult]:
        """Run every step; skip the steps that need a step which failed.

        :param on_result: is called when a step starts and when it ends.
        :raises EtlError: a step failed; the error has the diagnostics of all steps that failed.
        """
        with (
            self.folder.locked(),
            self._recording(self.run_id, on_result) as told,
            self._engine() as engine,
        ):
            results = self._side_by_side(engine, told)
        errors = [result.error for result in results if result.error]
        if errors:
            raise errors[0].about(
                [diagnostic for error in errors for diagnostic in error.diagnostics]
            )
        return results

    def one_step(self, name: str) -> StepResult:
        """Run one step, as an Airflow task does; the steps that it needs must have finished.

        :raises EtlError: the step failed, or a step that it needs has not finished.
        """
        step = self.plan.step(name)
        by_itself = step.kind == "publish" and self.plan.pipeline.publish == "each"
        for need in step.needs if not by_itself else ():
            if self.folder.step(need).outcome() is None:
                problem = f"'{name}' needs '{need}', which has not finished for this data interval"
                raise StepError(problem, hint=f"run {need} before it")
        run = self._how or self.run_id
        with self._recording(run, lambda result: None) as told, self._engine() as engine:
            told(StepResult(name, "started"))
            result = self._run(step, engine)
            told(result)
        if result.error:
            raise result.error
        return result

    @contextmanager
    def _recording(self, run: str, on_result: OnResult) -> Iterator[OnResult]:
        """Record what is told of steps, and copy the records into the warehouse at the end."""
        if not self._recorded:
            yield on_result
            return
        recorder = Recorder(self.plan, self.folder, run, self._how, self.run_id)
        with recorder.recording(on_result) as told:
            yield told
        copied = self.plan.environment.history_tables and recorder.tells_of_run
        if not copied:
            return
        with self._labelled("history"):
            refused = copy_records(self.plan)
        if refused:
            log = logging.getLogger(__name__)
            log.warning("the warehouse does not take the records of runs: %s", refused)

    def archive(self) -> int:
        """Move the files of sources that have an archive, as `publish` does at its end.

        :returns: the number of files.
        :raises StepError: nothing was published for this data interval.
        """
        step = self.plan.step("publish")
        if self.folder.step(step.needs[-1]).outcome() is None:
            raise StepError("nothing was published for this data interval")
        with self._engine() as engine, self._labelled("archive"):
            self._cancels[step.name] = []
            return archive(self._work(step, engine.session()))

    def _side_by_side(self, engine: Database, on_result: OnResult) -> list[StepResult]:
        results: dict[str, StepResult] = {}
        ended: SimpleQueue[StepResult | BaseException] = SimpleQueue()
        running: dict[str, Thread] = {}
        waiting = list(self.plan.steps)
        try:
            while waiting or running:
                for step in [s for s in waiting if all(need in results for need in s.needs)]:
                    ended_badly = {
                        need for need in step.needs if results[need].state in ("failed", "skipped")
                    }
                    ready = self._without(step, ended_badly) if ended_badly else step
                    if ready is None:
                        waiting.remove(step)
                        results[step.name] = StepResult(step.name, "skipped")
                        on_result(results[step.name])
                    elif len(running) < SIDE_BY_SIDE:
                        waiting.remove(step)
                        on_result(StepResult(step.name, "started"))
                        running[step.name] = self._start(ready, engine, ended)
                if running:
                    result = ended.get()
                    if isinstance(result, BaseException):
                        raise result
                    del running[result.step]
                    results[result.step] = result
                    on_result(result)
        except BaseException:
            self.cancel()
            _wait_for(running.values())
            raise
        return list(results.values())

    def _without(self, step: Step, ended_badly: Set[str]) -> Step | None:
        """Publishing the KPIs that need none of the steps which ended badly; None if there is none.

        It is None for every other step, and where KPIs are published together.
        """
        if step.kind != "publish" or self.plan.pipeline.publish == "together":
            return None
        inputs = tuple(
            (kpi, made)
            for kpi, made in step.inputs
            if not ended_badly & {needed.name for needed in self.plan.needed(self.plan.step(made))}
        )
        return replace(step, inputs=inputs) if inputs else None

    def _start(
        self, step: Step, engine: Database, ended: SimpleQueue[StepResult | BaseException]
    ) -> Thread:
        """Run a step in a daemon thread, so that Ctrl-C ends the process during Python code too."""

        def target() -> None:
            try:
                ended.put(self._run(step, engine))
            except BaseException as bug:  # noqa: BLE001 - raised again by the thread that waits
                ended.put(bug)

        thread = Thread(target=target, name=step.name, daemon=True)
        thread.start()
        return thread

    def cancel(self) -> None:
        """Stop all running steps, within seconds: what cannot be stopped is not waited for."""
        stopping = [
            Thread(target=_call_all, args=(list(cancels),), daemon=True)
            for cancels in list(self._cancels.values())
        ]
        for thread in stopping:
            thread.start()
        _wait_for(stopping)

    def _run(self, step: Step, engine: Database) -> StepResult:
        """Run a step unless its output exists; errors become part of the result."""
        import duckdb

        started = time.monotonic()
        session = engine.session()
        self._cancels[step.name] = [session.interrupt]
        try:
            work = self._work(step, session)
            with self._labelled(step.name):
                done = do(work, fresh=self._fresh)
            seconds, outcome = time.monotonic() - started, done.outcome
            return StepResult(
                step.name, done.state, seconds, outcome.counts, outcome.checks, note=done.note
            )
        except EtlError as error:
            return self._failed(step, started, error)
        except duckdb.Error as error:
            told = of_class(DUCKDB, error)(_sentence(error))
            if not isinstance(error, duckdb.OperationalError):  # Disk and memory: not of the SQL.
                told = in_template(self.plan, step, error, told)
            return self._failed(step, started, told)
        except OSError as error:
            return self._failed(step, started, of_system(error)(_sentence(error)))
        finally:
            self._cancels.pop(step.name)
            session.close()

    def _labelled(self, step: str) -> AbstractContextManager[None]:
        """Label what a step of this run sends to databases."""
        plan = self.plan
        commit, environment = commit_of(plan.root), plan.environment_name
        return labelled(Label(plan.pipeline.name, step, self.run_id, commit, environment))

    def _failed(self, step: Step, started: float, error: EtlError) -> StepResult:
        placed = [
            diagnostic if diagnostic.path else _at(diagnostic, step.place)
            for diagnostic in error.diagnostics
        ]
        seconds = time.monotonic() - started
        checks = error.checks if isinstance(error, CheckFailedError) else ()
        return StepResult(step.name, "failed", seconds, checks=checks, error=error.about(placed))

    def _work(self, step: Step, session: Any) -> Work:
        on_cancel = self._cancels[step.name].append
        return Work(self.plan, step, self.folder, self.run_id, session, on_cancel, self._older)


# The types that DuckDB's errors name, as they are declared.
NUMBERS = {"INT16": "smallint", "INT32": "integer", "INT64": "bigint"}


def _call_all(cancels: Iterable[Callable[[], Any]]) -> None:
    for cancel in cancels:
        cancel()


def _wait_for(threads: Iterable[Thread]) -> None:
    """Wait until threads have ended, for a few seconds altogether."""
    end = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(timeout=max(end - time.monotonic(), 0))


def _at(diagnostic: Diagnostic, place: tuple[str, int, int]) -> Diagnostic:
    """Return a diagnostic that points to a place: path, line and column."""
    path, line, column = place
    return replace(diagnostic, path=path, line=line, column=column)


def _sentence(error: Exception) -> str:
    """Return the first line of an error of DuckDB or the system.

    If our SQL raised the error with `error('etl: …')`, return only the text after `etl: `.
    """
    text = said(error).strip().split("\n")[0]
    ours = text.partition("etl: ")[2] or re.sub(r"^(Conversion|Invalid Input) Error: ", "", text)
    return re.sub(r"\bINT(?:16|32|64)\b", lambda match: NUMBERS[match[0]], ours)
