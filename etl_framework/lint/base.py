"""What a lint rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from etl_framework.config.models import Pipeline
from etl_framework.config.project import TEMPLATES, PipelineFile, Project
from etl_framework.errors import Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.queries import Compilation, compile_queries


@dataclass(frozen=True)
class Checked:
    """A pipeline file that rules look at.

    :param interval: what templates are rendered for.
    """

    project: Project
    found: PipelineFile
    pipeline: Pipeline
    interval: DataInterval

    @cached_property
    def compilation(self) -> Compilation:
        """Its SQL, compiled."""
        return compile_queries(self.project.root, self.found, self.interval)


class Rule:
    """One thing that can be wrong. Its docstring says what and why."""

    codes: tuple[str, ...] = ()

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        """Every place in `files` where it is wrong; `project` has all other files too."""
        raise NotImplementedError


def rule_classes(base: type[Rule] = Rule) -> list[type[Rule]]:
    """Every class of a rule that has been imported, sorted by its codes."""
    found = [deep for child in base.__subclasses__() for deep in (child, *rule_classes(child))]
    return sorted((each for each in found if each.codes), key=lambda rule: rule.codes)


def files_of(found: PipelineFile) -> set[str]:
    """A pipeline's file, its templates and those of its checks, below the project's folder."""
    blocks = found.model.relations().values() if found.model else ()
    written = [*blocks, *(check for block in blocks for check in block.checks)]
    names = [getattr(each, "sql", None) for each in written]
    return {found.file.path, *(f"{TEMPLATES}/{name}" for name in names if name)}


def source_of(project: Project, path: str) -> str:
    """The text of one of the project's files, with line ends as Jinja reads them; "" if none."""
    try:
        text = (project.root / path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n")
