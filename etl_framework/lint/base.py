"""What a lint rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from etl_framework.config.models import Pipeline
from etl_framework.config.project import PipelineFile, Project
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
