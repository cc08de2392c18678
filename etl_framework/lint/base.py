"""The base classes of lint rules, and what rules are given."""

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
    from etl_framework.plan.compilation import Compilation
    from etl_framework.project.models import Pipeline
    from etl_framework.project.project import PipelineFile, Project
    from etl_framework.project.yaml_file import Keys


@dataclass(frozen=True)
class Fact:
    """Something that a pipeline file says, with its place.

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
        """Return a problem at the place of this fact."""
        return Diagnostic(self.path, self.line, self.column, code, message, hint, severity)


@dataclass(frozen=True)
class Checked:
    """A pipeline file that rules look at.

    :param interval: the data interval that templates are rendered for.
    :param shared: what a rule has derived from the file and other rules use again.
    """

    project: Project
    pipeline_file: PipelineFile
    pipeline: Pipeline
    interval: DataInterval
    shared: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def found(self) -> PipelineFile:
        """The pipeline file. Deprecated: use `pipeline_file`."""
        return self.pipeline_file

    @cached_property
    def compilation(self) -> Compilation:
        """The compiled SQL of the pipeline."""
        from etl_framework.plan.compile import compile_queries

        return compile_queries(self.project.root, self.pipeline_file, self.interval)

    @cached_property
    def templates(self) -> dict[str, str]:
        """The texts of its templates by their sorted paths; "" for a missing template."""
        paths = sorted(f"{TEMPLATES}/{name}" for name in set(_templates(self.pipeline_file.model)))
        return {path: source_of(self.project, path) for path in paths}


class Rule:
    """One thing that can be wrong. Its docstring says what and why."""

    codes: tuple[str, ...] = ()

    def begin(self, project: Project) -> None:
        """Read what the rule needs to know before it looks at pipelines; nothing, usually.

        :param project: the project without its pipelines.
        """

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        """Return every problem in `files`.

        :param project: the project with these pipelines only. What a rule finds in a file is kept
            as long as the file, its templates and the environments stay the same.
        """
        raise NotImplementedError


class ProjectRule(Rule):
    """A rule across pipelines: it collects facts from each file, and judges all facts together.

    Its problems are kept as long as the facts and the files that it looks at stay the same.
    `reads` are patterns of the files that it reads; `names` are patterns of the files whose names
    alone it needs.
    """

    reads: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        """Return the facts of one file; they are kept as long as the file stays the same."""
        raise NotImplementedError

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        """Return every problem across the pipelines.

        :param project: the project without its pipelines.
        :param facts: the facts of all files.
        """
        raise NotImplementedError

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        self.begin(project)
        yield from self.judge(
            project, [f for pipeline_file in project.pipelines for f in self.facts(pipeline_file)]
        )


class ApartRule(ProjectRule):
    """A rule about the environments or other files, which needs no facts of pipelines."""

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        """Return no facts."""
        return iter(())


def fact(pipeline_file: PipelineFile, kind: str, values: tuple[str, ...], keys: Keys = ()) -> Fact:
    """Return a fact with the place of the value at some keys."""
    return Fact(kind, values, *pipeline_file.file.where(keys))


def source_of(project: Project, path: str) -> str:
    """Return the text of a project's file, with line ends as Jinja reads them; "" if none."""
    try:
        text = (read_inside(project.root.resolve(), path) or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def rule_classes(base: type[Rule] = Rule) -> list[type[Rule]]:
    """Return every rule class that has been imported, sorted by codes."""
    classes = [deep for child in base.__subclasses__() for deep in (child, *rule_classes(child))]
    # A class outlives its module for a while when a project's own rules are loaded anew.
    loaded = [rule for rule in classes if rule.codes and rule.__module__ in sys.modules]
    return sorted(loaded, key=lambda rule: rule.codes)


def files_of(pipeline_file: PipelineFile) -> set[str]:
    """Return the paths of a pipeline's file, its defaults and its templates.

    Defaults may be missing; templates may be, too.
    """
    return {
        pipeline_file.file.path,
        *pipeline_file.defaults,
        *pipeline_file.templates,
        *pipeline_file.macros,
        *(f"{TEMPLATES}/{name}" for name in _templates(pipeline_file.model)),
    }


def _templates(pipeline: Pipeline | None) -> Iterator[str]:
    """Return the templates that a pipeline names, without paths that lead out of their folder."""
    from etl_framework.checks.sql import Sql

    for block in pipeline.relations().values() if pipeline else ():
        named = [getattr(block, "sql", None)]
        named += [check.sql for check in block.checks if isinstance(check, Sql)]
        for name in filter(None, named):
            path = Path(name)
            if not path.is_absolute() and ".." not in path.parts:
                yield path.as_posix()
