"""Run a plan: each step after the steps that it needs, and independent steps in parallel."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Thread
from typing import Any

from etl_framework.engines.duckdb.session import Database
from etl_framework.engines.work import Work
from etl_framework.errors import CheckFailedError, Diagnostic, EtlError, StepError
from etl_framework.plan.plan import Plan, Step
from etl_framework.run.execute import StepResult as StepResult
from etl_framework.run.execute import do
from etl_framework.run.publish import archive
from etl_framework.storage.spill import spill_folder
from etl_framework.storage.staging import RunFolder

# How many steps run in parallel. They mostly wait for a server or a disk; to compute, the engine
# has its own threads.
SIDE_BY_SIDE = 4
STOP_SECONDS = 3


OnResult = Callable[[StepResult], None]


class Run:
    """One run of a plan, with its folder in staging and the functions that stop running work."""

    def __init__(self, plan: Plan, *, fresh: bool = False) -> None:
        self.plan = plan
        self.folder: RunFolder = plan.workspace.staging.run(plan.pipeline.name, plan.interval.key)
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._fresh = fresh
        self._cancels: dict[str, list[Callable[[], Any]]] = {}

    @contextmanager
    def _engine(self) -> Iterator[Database]:
        environment, zone = self.plan.environment, self.plan.pipeline.timezone
        with spill_folder(self.folder.path / ".spill") as spill:
            engine = Database(environment.memory_limit, environment.threads, spill, zone)
            with closing(engine):
                yield engine

    def all_steps(self, on_result: OnResult) -> list[StepResult]:
        """Run every step; skip the steps that need a step which failed.

        :param on_result: is called when a step starts and when it ends.
        :raises EtlError: a step failed; the error has the diagnostics of all steps that failed.
        """
        with self.folder.locked(), self._engine() as engine:
            results = self._side_by_side(engine, on_result)
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
        for need in step.needs:
            if self.folder.step(need).outcome() is None:
                problem = f"'{name}' needs '{need}', which has not finished for this data interval"
                raise StepError(problem, hint=f"run {need} before it")
        with self._engine() as engine:
            result = self._run(step, engine)
        if result.error:
            raise result.error
        return result

    def archive(self) -> int:
        """Move the files of sources that have an archive, as `publish` does at its end.

        :returns: the number of files.
        :raises StepError: nothing was published for this data interval.
        """
        step = self.plan.step("publish")
        if self.folder.step(step.needs[-1]).outcome() is None:
            raise StepError("nothing was published for this data interval")
        with self._engine() as engine:
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
                    if any(results[need].state in ("failed", "skipped") for need in step.needs):
                        waiting.remove(step)
                        results[step.name] = StepResult(step.name, "skipped")
                        on_result(results[step.name])
                    elif len(running) < SIDE_BY_SIDE:
                        waiting.remove(step)
                        on_result(StepResult(step.name, "started"))
                        running[step.name] = self._start(step, engine, ended)
                if running:
                    result = ended.get()
                    if isinstance(result, BaseException):
                        raise result
                    del running[result.step]
                    results[result.step] = result
                    on_result(result)
        except BaseException:
            self.cancel()
            for thread in running.values():
                thread.join(timeout=STOP_SECONDS)
            raise
        return list(results.values())

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
        """Stop all running steps."""
        for cancels in list(self._cancels.values()):
            for cancel in cancels:
                cancel()

    def _run(self, step: Step, engine: Database) -> StepResult:
        """Run a step unless its output exists; errors become part of the result."""
        import duckdb

        started = time.monotonic()
        session = engine.session()
        self._cancels[step.name] = [session.interrupt]
        try:
            work = self._work(step, session)
            state, outcome = do(work, fresh=self._fresh)
            seconds = time.monotonic() - started
            return StepResult(step.name, state, seconds, outcome.counts, outcome.checks)
        except EtlError as error:
            return self._failed(step, started, error)
        except (duckdb.Error, OSError) as error:
            return self._failed(step, started, StepError(_sentence(error)))
        finally:
            self._cancels.pop(step.name)
            session.close()

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
        return Work(self.plan, step, self.folder, self.run_id, session, on_cancel)


def _at(diagnostic: Diagnostic, place: tuple[str, int, int]) -> Diagnostic:
    """Return a diagnostic that points to a place: path, line and column."""
    path, line, column = place
    return replace(diagnostic, path=path, line=line, column=column)


def _sentence(error: Exception) -> str:
    """Return the first line of an error of DuckDB or the system.

    If our SQL raised the error with `error('etl: …')`, return only the text after `etl: `.
    """
    text = str(error).strip().split("\n")[0]
    return text.partition("etl: ")[2] or text
