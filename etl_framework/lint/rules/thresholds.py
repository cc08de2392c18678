"""Rules about thresholds of checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from etl_framework.checks.null_rate import NullRate
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project
from etl_framework.project.relation import relations_of


class RateInRows(Rule):
    """A rate is a share of the rows: `max: 40` is forty rows, `max: "40%"` a share of them."""

    codes = ("W308",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for relation in relations_of(checked.pipeline, checked.pipeline_file.file):
                for index, check in enumerate(relation.block.checks):
                    if not isinstance(check, NullRate) or check.max.percent or not check.max.amount:
                        continue
                    keys = (*relation.keys, "checks", index, "max")
                    written = relation.file.scalar(keys)
                    if written.isdigit():  # ">40" says that rows are meant
                        message = f"{written} is a number of rows, and not a share of them"
                        hint = f'write "{written}%", or ">{written}" if rows are meant'
                        problem = relation.file.diagnostic(keys, "W308", message, hint)
                        yield replace(problem, severity="warning")
