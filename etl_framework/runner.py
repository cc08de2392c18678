"""Run a plan: each step once its needs have finished, independent steps side by side."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from etl_framework import __version__
from etl_framework.checks.base import CheckResult
from etl_framework.config.models import Transform
from etl_framework.engines.duckdb import DuckDBEngine
from etl_framework.errors import CheckFailedError, Diagnostic, EtlError, StepError
from etl_framework.plan import Plan, Step
from etl_framework.sources.base import Source
from etl_framework.steps.base import Outcome, Work
from etl_framework.steps.check import check
from etl_framework.steps.extract import extract, extraction
from etl_framework.steps.publish import publish
from etl_framework.steps.transform import transform
from etl_framework.storage.staging import RunFolder, run_folder

DO = {"extract": extract, "check": check, "transform": transform, "kpi": transform}
State = Literal["started", "done", "reused", "failed", "skipped"]


@dataclass(frozen=True)
class StepResult:
    """How a step ended. `reused`: its finished output was there already."""

    step: str
    state: State
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    error: EtlError | None = None


OnResult = Callable[[StepResult], None]


class Run:
    """One run of a plan: an engine, a folder in staging, and the ways to stop what is running."""

    def __init__(self, plan: Plan, *, fresh: bool = False) -> None:
        self.plan = plan
        self.folder: RunFolder = run_folder(plan.staging, plan.pipeline.name, plan.interval.key)
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._fresh = fresh
        self._cancels: dict[str, list[Callable[[], Any]]] = {}

    @contextmanager
    def _engine(self) -> Iterator[DuckDBEngine]:
        environment, spill = self.plan.environment, self.folder.path / ".spill"
        engine = DuckDBEngine(
            environment.memory_limit, environment.threads, spill, self.plan.pipeline.timezone
        )
        try:
            yield engine
        finally:
            engine.close()
            shutil.rmtree(spill, ignore_errors=True)

    def all_steps(self, on_result: OnResult) -> list[StepResult]:
        """Run every step; a step that cannot run because another failed is skipped.

        :param on_result: hears of each step when it starts and when it ends.
        :raises EtlError: a step failed; holds the diagnostics of every step that did.
        """
        with self.folder.locked(), self._engine() as engine:
            workers = max(2, len(self.plan.pipeline.sources))
            with ThreadPoolExecutor(min(workers, 4)) as pool:
                try:
                    results = self._side_by_side(pool, engine, on_result)
                except BaseException:
                    self._cancel()
                    pool.shutdown(cancel_futures=True)
                    raise
        errors = [result.error for result in results if result.error]
        if errors:
            raise errors[0].about([each for error in errors for each in error.diagnostics])
        return results

    def one_step(self, name: str) -> StepResult:
        """Run one step whose needs have finished, as an Airflow task does.

        :raises EtlError: the step failed.
        """
        with self._engine() as engine:
            result = self._run(self.plan.step(name), engine)
        if result.error:
            raise result.error
        return result

    def _side_by_side(
        self, pool: ThreadPoolExecutor, engine: DuckDBEngine, on_result: OnResult
    ) -> list[StepResult]:
        results: dict[str, StepResult] = {}
        running: dict[Future[StepResult], Step] = {}
        waiting = list(self.plan.steps)
        while waiting or running:
            for step in [step for step in waiting if all(need in results for need in step.needs)]:
                waiting.remove(step)
                if any(results[need].state in ("failed", "skipped") for need in step.needs):
                    results[step.name] = StepResult(step.name, "skipped")
                    on_result(results[step.name])
                    continue
                on_result(StepResult(step.name, "started"))
                running[pool.submit(self._run, step, engine)] = step
            if not running:
                continue
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                step = running.pop(future)
                results[step.name] = future.result()
                on_result(results[step.name])
        return list(results.values())

    def _cancel(self) -> None:
        for cancels in list(self._cancels.values()):
            for cancel in cancels:
                cancel()

    def _run(self, step: Step, engine: DuckDBEngine) -> StepResult:
        """Do a step unless its output is there; our own errors become part of the result."""
        import duckdb

        started = time.monotonic()
        session = engine.session()
        self._cancels[step.name] = [session.interrupt]
        try:
            work = self._work(step, session)
            state, outcome = self._reuse_or_do(work)
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
        placed = [found if found.path else _at(found, step.place) for found in error.diagnostics]
        seconds = time.monotonic() - started
        checks = error.checks if isinstance(error, CheckFailedError) else ()
        return StepResult(step.name, "failed", seconds, checks=checks, error=error.about(placed))

    def _work(self, step: Step, session: Any) -> Work:
        inputs = {
            relation: (self.folder.step(need).result() or {}).get("files", [])
            for relation, need in step.inputs
        }
        on_cancel = self._cancels[step.name].append
        return Work(self.plan, step, self.folder, session, inputs, on_cancel)

    def _reuse_or_do(self, work: Work) -> tuple[State, Outcome]:
        if work.step.kind == "publish":
            return "done", publish(work, self.run_id)
        fingerprint = self._fingerprint(work)
        found = None if self._fresh else work.folder.result()
        if found and found["fingerprint"] == fingerprint:
            checks = tuple(CheckResult(**check) for check in found["checks"])
            return "reused", Outcome(found["counts"], checks, tuple(found["files"]))
        work.folder.begin()
        outcome = DO[work.step.kind](work)
        work.folder.finish({"fingerprint": fingerprint, **asdict(outcome)})
        return "done", outcome

    def _fingerprint(self, work: Work) -> str:
        """Changes whenever the output could: with definition, inputs, a source's rows."""
        step, block = work.step, work.step.block
        facts: list[Any] = [__version__, step.kind, step.sql, self.plan.interval.key]
        aside = {"description", "checks", "target"}
        facts.append(block.model_dump_json(exclude=aside) if block else "")
        facts += [check.model_dump_json() for check in step.checks]
        for _, need in step.inputs:
            facts.append((self.folder.step(need).result() or {}).get("fingerprint"))
        if step.kind == "extract" and isinstance(block, Source):
            connection = work.plan.environment.connections[block.connection]
            # Without a state the source is read again: no two tokens are equal.
            facts.append(block.state(extraction(work)) or secrets.token_hex())
            facts.append(connection.model_dump_json())
        if isinstance(block, Transform) and block.python:
            module = self.plan.root / (block.python.partition(":")[0].replace(".", "/") + ".py")
            facts.append(module.read_text(encoding="utf-8") if module.is_file() else "")
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _at(found: Diagnostic, place: tuple[str, int, int]) -> Diagnostic:
    path, line, column = place
    return replace(found, path=path, line=line, column=column)


def _sentence(error: Exception) -> str:
    """The first line of an error that is not ours; of our `error()` in SQL only what we wrote."""
    text = str(error).strip().split("\n")[0]
    return text.partition("etl: ")[2] or text
