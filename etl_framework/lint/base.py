"""What a lint rule is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from etl_framework.config.models import Pipeline
from etl_framework.config.project import PipelineFile, Project
from etl_framework.errors import Diagnostic
from etl_framework.queries import Compilation, compile_queries


@dataclass(frozen=True)
class Checked:
    """A pipeline file that rules look at."""

    project: Project
    found: PipelineFile
    pipeline: Pipeline

    @cached_property
    def compilation(self) -> Compilation:
        """Its SQL, compiled for the first data interval."""
        day = self.pipeline.start_date or date(2024, 1, 1)
        interval = next(self.pipeline.cut().intervals_from(day))
        return compile_queries(self.project.root, self.found, interval)


class Rule:
    """One thing that can be wrong, over all pipeline files. Its docstring says what and why."""

    codes: tuple[str, ...] = ()

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        """Every place where it is wrong."""
        raise NotImplementedError
