"""`etl repro`: do the step of a run that failed again here, over what the run had read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from etl_framework.errors import ConfigError, EtlError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.plan.plan import Plan, build_plan
from etl_framework.plan.step import Step
from etl_framework.project.git import at_revision, describe
from etl_framework.project.models import Pipeline, Transform
from etl_framework.project.project import Project, load_project
from etl_framework.run.attempts import Attempt, attempts
from etl_framework.run.execute import StepResult
from etl_framework.run.history import records
from etl_framework.run.run import Run
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import as_path
from etl_framework.storage.staging import RunFolder, Staging
from etl_framework.storage.step_folder import RESULT
from etl_framework.storage.write import write_bytes
from etl_framework.workbench.inputs import embedded

FOLDER = ".etl/repro"
DATABASE = "repro.duckdb"


@dataclass(frozen=True)
class Repro:
    """A step that was done again.

    :param step: the step's name.
    :param folder: where its inputs and its output lie; `DATABASE` in it shows them as views.
    :param notes: what is not as it was in the run.
    :param result: how it ended this time; None if it cannot be done here.
    """

    attempt: Attempt
    step: str
    folder: Path
    notes: Sequence[str]
    result: StepResult | None


def find(project: Project, environment: str | None, run: str) -> tuple[Pipeline, Attempt]:
    """The run whose name begins with a text, as `etl show runs` prints it.

    :raises ConfigError: there is no such run, or several.
    """
    staging = project.workspace(environment).staging
    known = {
        attempt.last.run: (model, attempt)
        for model in project.models
        for attempt in attempts(records(staging, model.name))
    }
    fitting = {name for name in known if name.startswith(run)}
    if run in known:
        fitting = {run}
    if len(fitting) != 1:
        many = f"{len(fitting)} runs begin with '{run}'"
        what = many if fitting else f"there is no run '{run}'"
        raise ConfigError(what, hint="etl show runs lists them")
    return known[fitting.pop()]


def repro(
    project: Project,
    environment: str | None,
    found: tuple[Pipeline, Attempt],
    name: str | None = None,
) -> Repro:
    """Do a step of a run again, in a folder of its own; no target changes.

    :param found: a pipeline, and the run.
    :param name: the step; the first one that failed if not given.
    :raises ConfigError: the run has no such step, or none has failed.
    :raises RetryableError: staging does not answer.
    """
    model, attempt = found
    step, notes = _step(attempt, name), list[str]()
    project = project.at(environment)  # the commit's folder is in no repository
    workspace = project.workspace(environment)
    folder = project.root / FOLDER / re.sub(r"[^\w.+-]", "_", attempt.last.run)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        then = embedded(_as_it_was(stack, project, attempt, notes), environment)
        interval = DataInterval.of_key(attempt.last.key, ZoneInfo(model.timezone))
        given = {n: v for n, v in attempt.last.params.items() if n in model.params}
        plan = build_plan(then.given(given), model.name, environment, interval)
        planned = plan.step(step)
        run = Run(_local(plan, project.root, folder), fresh=True, recorded=False)
        theirs = workspace.staging.run(model.name, attempt.last.key)
        since = _done_since(workspace.staging, attempt)
        for need in plan.needed(planned):
            if need.name != step and (note := _copy(theirs, run.folder, need, since)):
                notes.append(note)
        notes += _gone(planned)
        result = _again(run, planned) if planned.kind != "publish" else None
        _show(run.folder, plan, folder)
        if planned.sql:
            (folder / f"{step}.sql").write_text(planned.sql + "\n", encoding="utf-8")
    return Repro(attempt, step, folder, notes, result)


def _step(attempt: Attempt, name: str | None) -> str:
    last = {step.step: step for record in attempt.records for step in record.steps}
    failed = [step.step for step in last.values() if step.state == "failed"]
    if name and name not in last:
        raise ConfigError(f"the run has no step '{name}'", hint=did_you_mean(name, last))
    if not name and not failed:
        raise ConfigError("no step of the run has failed", hint="name one: --step kpi.NAME")
    return name or failed[0]


def _as_it_was(stack: ExitStack, project: Project, attempt: Attempt, notes: list[str]) -> Project:
    """The project's files of the commit that the run was of, as far as git has them."""
    commit, now = attempt.last.commit, ""
    with suppress(ConfigError):
        now = describe(project.root)
    if not commit:
        notes.append("the run knows no commit: the files are those of now")
        return project
    if commit.endswith("+"):
        notes.append(f"the run's files differed from commit {commit[:-1]}, in what nobody knows")
    if commit == now:
        return project
    try:
        folder = stack.enter_context(at_revision(project.root, commit.rstrip("+")))
    except ConfigError as error:
        told = error.diagnostics[0].message
        notes.append(f"the run was of commit {commit}, which is not here ({told}): files of now")
        return project
    notes.append(f"the files are those of commit {commit.rstrip('+')}; environments.yml is of now")
    return replace(load_project(folder), environments=project.environments)


def _local(plan: Plan, root: Path, folder: Path) -> Plan:
    """The same plan with its staging in a folder of the project."""
    there = {"staging": str(folder.relative_to(root)), "staging_connection": None}
    return replace(plan, root=root, environment=plan.environment.model_copy(update=there))


def _done_since(staging: Staging, attempt: Attempt) -> set[str]:
    """The steps that later runs of the data interval have done again."""
    ours = attempt.last
    runs = attempts(records(staging, ours.pipeline))
    later = [r for r in runs if r.last.key == ours.key and r.started > attempt.started]
    steps = [step for run in later for record in run.records for step in record.steps]
    return {step.step for step in steps if step.state == "done"}


def _copy(theirs: RunFolder, ours: RunFolder, step: Step, since: Collection[str]) -> str:
    """Copy a step's output; return what is to be said of it, if anything is."""
    finished = theirs.step(step.name).finished()
    if finished is None:
        return f"nothing of {step.name} is in staging any more"
    if finished.outcome.table:
        return f"the rows of {step.name} are in the cluster, in {finished.outcome.table}"
    target = ours.step(step.name).path
    shutil.copytree(theirs.step(step.name).fetch().path, target, dirs_exist_ok=True)
    write_bytes(target / RESULT, finished.written())
    again = f"{step.name} was done again by a later run, and is as that has left it"
    return again if step.name in since else ""


def _gone(step: Step) -> Iterator[str]:
    """What of a step's inputs cannot be as it was."""
    if step.kind == "extract":
        yield "the source is read as it is now; what the run had seen of it is gone"
    if step.kind == "publish":
        yield "nothing is published from here: the views have what would be loaded"
    if isinstance(step.block, Transform) and step.block.python:
        yield "the Python function is that of now"


def _again(run: Run, step: Step) -> StepResult:
    try:
        return run.one_step(step.name)
    except EtlError as error:
        return StepResult(step.name, "failed", error=error)


def _show(run: RunFolder, plan: Plan, folder: Path) -> None:
    """Make a view of each relation that is here, and of the rows that were rejected."""
    import duckdb

    with duckdb.connect(str(folder / DATABASE)) as database:
        for step in plan.steps:
            there = run.step(step.name)
            for part, view in (("data", step.relation), ("rejected", f"rejected_{step.name}")):
                if files := there.files(part):
                    listed = ", ".join(map(as_path, files))
                    query = f"SELECT * FROM read_parquet([{listed}])"
                    database.execute(f"CREATE OR REPLACE VIEW {quote(view)} AS {query}")
