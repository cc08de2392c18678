"""Rules about the templates of pipelines."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Fact, ProjectRule, fact
from etl_framework.project.paths import PIPELINE_TEMPLATES
from etl_framework.project.project import PipelineFile, Project
from etl_framework.project.template import read_template, template_names

PATTERNS = (f"{PIPELINE_TEMPLATES}/**/*.yml",)


class UnusedPipelineTemplates(ProjectRule):
    """A pipeline is made of each template; what is wrong with others is told, too."""

    codes = ("W310",)
    reads = PATTERNS
    names = PATTERNS

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        for path in pipeline_file.templates:
            yield fact(pipeline_file, "calls", (path,))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        called = {known.values[0] for known in facts}
        for name in template_names(project.root):
            file, _ = read_template(project.root, name)
            if file is None or file.path in called:
                continue
            yield from file.diagnostics
            message = "no pipeline is made of this template"
            hint = f"write `template: {name}` in a file of pipelines/, or delete it"
            yield Diagnostic(file.path, 1, 1, "W310", message, hint, "warning")
