"""Rules about Amazon MWAA: schedules, waits, the limits of environment classes, packages.

The settings of lint name the version and the class: `mwaa_version = 3.3.1`, `mwaa_class =
mw1.small`.
Without them the rules about version and class find nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic
from etl_framework.interval import NONE
from etl_framework.lint.base import ApartRule, Checked, Fact, ProjectRule, Rule, fact
from etl_framework.lint.settings import mwaa_of
from etl_framework.lint.settings_files import FILES
from etl_framework.platforms.mwaa import environment_class, mwaa_version, normalized
from etl_framework.project.project import PipelineFile, Project
from etl_framework.sources.files import FilesSource

if TYPE_CHECKING:
    from packaging.requirements import Requirement

SHORTEST = 300
REQUIREMENTS = "requirements.txt"
_MEGABYTES = {"MB": 1.0, "MIB": 1.05, "GB": 1000.0, "GIB": 1074.0}


class Schedules(Rule):
    """A schedule leaves time for a run, and `catchup` says from when.

    On MWAA each step takes some seconds to start: below five minutes runs wait for one another.
    """

    codes = ("W503",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            pipeline, file = checked.pipeline, checked.pipeline_file.file
            if pipeline.schedule != NONE and (seconds := _length(checked)) < SHORTEST:
                message = f"a run each {seconds} seconds, and its steps take some each to start"
                hint = "five minutes or more leave room for a run"
                diagnostic = file.diagnostic(("schedule",), "W503", message, hint)
                yield replace(diagnostic, severity="warning")
            if pipeline.catchup and pipeline.start_date is None:
                message = "catchup runs every interval since start_date, which is not given"
                diagnostic = file.diagnostic(("catchup",), "W503", message, "write start_date")
                yield replace(diagnostic, severity="warning")


class Waits(Rule):
    """A source waits for its files no longer than a run has time."""

    codes = ("W504",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            pipeline = checked.pipeline
            for name, source in pipeline.sources.items():
                wait = source.wait if isinstance(source, FilesSource) else None
                if wait is None:
                    continue
                message = ""
                if pipeline.deadline and wait.seconds >= pipeline.deadline.seconds:
                    message = "the deadline is over before the wait is"
                elif pipeline.schedule != NONE and pipeline.max_active_runs == 1:
                    late = wait.seconds > _length(checked)
                    message = "the next run is due before the wait is over" if late else ""
                if message:
                    keys, hint = ("sources", name, "wait"), "wait for less, or allow more"
                    diagnostic = checked.pipeline_file.file.diagnostic(keys, "W504", message, hint)
                    yield replace(diagnostic, severity="warning")


class BeyondTheClass(ProjectRule):
    """Steps that run at a time fit into a worker of the class: its tasks, its memory, its DAGs."""

    codes = ("W505",)
    reads = FILES

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        pipeline = pipeline_file.model
        if pipeline and pipeline.max_active_runs > 1 and not pipeline.pool:
            wide = max(len(pipeline.sources), len(pipeline.kpis))
            values = (str(pipeline.max_active_runs), str(wide))
            yield fact(pipeline_file, "starts", values, ("max_active_runs",))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        named = mwaa_of(project.root).get("mwaa_class")
        if not named:
            return
        size = environment_class(named)
        environments = project.environments.environments if project.environments else {}
        for label, environment in environments.items():
            if not any(getattr(c, "conn_id", None) for c in environment.connections.values()):
                continue  # only Airflow knows a conn_id
            number, unit = re.findall(r"[\d.]+|[A-Za-z]+", environment.memory_limit)
            share = float(number) * _MEGABYTES[unit.upper()]
            room = size.memory_gb * 1074
            if share * size.concurrency > room:
                message = f"{size.concurrency} tasks of {environment.memory_limit} on a worker of "
                message += f"{size.name}, which has {size.memory_gb} GB"
                hint = f"write memory_limit: {int(room / size.concurrency / 10) * 10}MB, or less"
                keys = ("environments", label, "memory_limit")
                diagnostic = project.environments_file.diagnostic(keys, "W505", message, hint)
                yield replace(diagnostic, severity="warning")
        for pipeline_fact in facts:
            runs, wide = (int(value) for value in pipeline_fact.values)
            if runs * wide > size.concurrency:
                message = f"{runs} runs start up to {runs * wide} steps at a time, and a worker of "
                message += f"{size.name} takes {size.concurrency}"
                hint = "write a smaller max_active_runs, or a pool"
                yield pipeline_fact.diagnostic("W505", message, hint, "warning")


class OutsideConstraints(ApartRule):
    """A package in `requirements.txt` has the version that the image and its constraints have.

    MWAA starts all the same when an installation fails; DAGs then break one by one.
    """

    codes = ("W506",)
    reads = (*FILES, REQUIREMENTS)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        named = mwaa_of(project.root).get("mwaa_version")
        file = project.root / REQUIREMENTS
        if not named or not file.is_file():
            return
        version = mwaa_version(named)
        known = {**version.installed(), **version.essential()}
        text = file.read_text(encoding="utf-8-sig", errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            wanted = _requirement(line)
            has = known.get(normalized(wanted.name)) if wanted else None
            if wanted and has and not wanted.specifier.contains(has, prereleases=True):
                column = len(line) - len(line.lstrip()) + 1
                message = (
                    f"{version.target} has {wanted.name} {has}, which '{line.strip()}' excludes"
                )
                hint = f"write {wanted.name}=={has}"
                yield Diagnostic(REQUIREMENTS, number, column, "W506", message, hint, "warning")


def _length(checked: Checked) -> int:
    """Return the seconds of a data interval."""
    interval = checked.pipeline.some_interval()
    return int((interval.end - interval.start).total_seconds())


def _requirement(line: str) -> Requirement | None:
    text = line.partition(" #")[0].strip()
    if not text or text.startswith(("#", "-", ".")) or "://" in text:
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement:
        return None
