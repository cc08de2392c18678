"""A rule about what cannot run on MWAA Serverless."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.platforms.serverless import not_serverless, publishes_no_report
from etl_framework.project.project import Project


class Serverless(Rule):
    """A pipeline asks for nothing that MWAA Serverless has not, where an environment is of it.

    The service ignores most of what it does not know, so a pipeline would run and be another.
    """

    codes = ("W507",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        labels = [label for label, environment in environments.items() if environment.serverless]
        for label in labels:
            for keys, why, hint in publishes_no_report(environments[label]):
                message = f"'{label}' is MWAA Serverless: {why}"
                place = ("environments", label, *keys)
                diagnostic = project.environments_file.diagnostic(place, "W507", message, hint)
                yield replace(diagnostic, severity="warning")
            for checked in files:
                for keys, why, hint in not_serverless(checked.pipeline):
                    message = f"cannot run in '{label}', which is MWAA Serverless: {why}"
                    diagnostic = checked.pipeline_file.file.diagnostic(keys, "W507", message, hint)
                    yield replace(diagnostic, severity="warning")
