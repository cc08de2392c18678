"""What a lint rule is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.errors import Diagnostic, Severity
from etl_framework.project.paths import TEMPLATES, read_inside

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.plan.compile import Compilation
    from etl_framework.project.models import Pipeline
    from etl_framework.project.project import PipelineFile, Project
    from etl_framework.project.yaml_file import Keys


@dataclass(frozen=True)
class Fact:
    """Something that a file says, and where.

    :param kind: what it is, in the rule's own words.
    """

    kind: str
    values: tuple[str, ...]
    path: str
    line: int = 1
    column: int = 1

    def diagnostic(
        self, code: str, message: str, hint: str = "", severity: Severity = "error"
    ) -> Diagnostic:
        """A problem at its place."""
        return Diagnostic(self.path, self.line, self.column, code, message, hint, severity)


@dataclass(frozen=True)
class Checked:
    """A pipeline file that rules look at.

    :param interval: what templates are rendered for.
    :param shared: what rules make of it once for all of them.
    """

    project: Project
    found: PipelineFile
    pipeline: Pipeline
    interval: DataInterval
    shared: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def compilation(self) -> Compilation:
        """Its SQL, compiled."""
        from etl_framework.plan.compile import compile_queries

        return compile_queries(self.project.root, self.found, self.interval)

    @cached_property
    def templates(self) -> dict[str, str]:
        """The text of each template that it names, by path and sorted; "" of one not there."""
        paths = sorted(files_of(self.found) - {self.found.file.path})
        return {path: source_of(self.project, path) for path in paths}


class Rule:
    """One thing that can be wrong. Its docstring says what and why."""

    codes: tuple[str, ...] = ()

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        """Every place in `files` where it is wrong.

        :param project: of its pipelines only these: what a rule finds in a file is kept as long as
            the file, its templates and the environments are the same.
        """
        raise NotImplementedError


class ProjectRule(Rule):
    """A rule across pipelines: what it has to know of each is gathered, and judged together.

    What it says is kept as long as the facts and the files that it looks at are the same: `reads`
    are patterns of the files that it reads, `names` of those of which it needs the names alone.
    """

    reads: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def facts(self, found: PipelineFile) -> Iterator[Fact]:
        """What there is to know of one file; it is kept as long as the file is the same."""
        raise NotImplementedError

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        """Every place where it is wrong.

        :param project: without its pipelines.
        :param facts: those of all files.
        """
        raise NotImplementedError

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        yield from self.judge(
            project, [f for found in project.pipelines for f in self.facts(found)]
        )


class ApartRule(ProjectRule):
    """A rule that needs nothing of pipelines: about the environments, or other files."""

    def facts(self, found: PipelineFile) -> Iterator[Fact]:
        """Nothing."""
        return iter(())


def fact(found: PipelineFile, kind: str, values: tuple[str, ...], keys: Keys = ()) -> Fact:
    """What a file says at the value of some keys."""
    return Fact(kind, values, found.file.path, *found.file.place(keys))


def source_of(project: Project, path: str) -> str:
    """The text of one of the project's files, with line ends as Jinja reads them; "" if none."""
    try:
        text = (read_inside(project.root.resolve(), path) or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def rule_classes(base: type[Rule] = Rule) -> list[type[Rule]]:
    """Every class of a rule that has been imported, sorted by its codes."""
    classes = [deep for child in base.__subclasses__() for deep in (child, *rule_classes(child))]
    # A class outlives its module for a while when a project's own rules are loaded anew.
    loaded = [rule for rule in classes if rule.codes and rule.__module__ in sys.modules]
    return sorted(loaded, key=lambda rule: rule.codes)


def files_of(found: PipelineFile) -> set[str]:
    """A pipeline's file and its templates, below the project's folder."""
    return {found.file.path, *(f"{TEMPLATES}/{name}" for name in _templates(found.model))}


def _templates(pipeline: Pipeline | None) -> Iterator[str]:
    """The templates that a pipeline names, without those that lead out of their folder."""
    from etl_framework.checks.sql import Sql

    for block in pipeline.relations().values() if pipeline else ():
        named = [getattr(block, "sql", None)]
        named += [check.sql for check in block.checks if isinstance(check, Sql)]
        for name in filter(None, named):
            path = Path(name)
            if not path.is_absolute() and ".." not in path.parts:
                yield path.as_posix()
