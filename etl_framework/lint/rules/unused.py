"""Rules about unused relations and templates, and about checks that wait for one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from etl_framework.errors import Diagnostic, PlanError
from etl_framework.lint.base import Checked, Fact, ProjectRule, Rule, fact, files_of
from etl_framework.lint.files import matching_files
from etl_framework.plan.plan import build_plan
from etl_framework.project.project import TEMPLATES, PipelineFile, Project


class UnusedRelation(Rule):
    """A source or transform is read by something: else each run fetches it for nothing."""

    codes = ("W303",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            compilation, pipeline = checked.compilation, checked.pipeline
            if compilation.diagnostics or checked.pipeline_file.broken():
                continue  # the part that is wrong may read the relation
            read = {name for query in compilation.queries.values() for name in query.inputs}
            read |= {name for query in compilation.checks.values() for name in query.inputs}
            for block in pipeline.relations().values():
                read |= {parent[0] for check in block.checks if (parent := check.parent())}
            for relation in checked.pipeline_file.relations.values():
                if relation.kind != "kpi" and relation.name not in read:
                    message = f"nothing reads '{relation.name}'"
                    hint = "take it out, or read it in a template"
                    diagnostic = relation.file.diagnostic(
                        relation.keys, "W303", message, hint, of_key=True
                    )
                    yield replace(diagnostic, severity="warning")


class UnusedTemplate(ProjectRule):
    """A template is used by a pipeline; one that is not may be a KPI that somebody forgot."""

    codes = ("W304",)
    names = (f"{TEMPLATES}/**/*.sql",)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        if pipeline_file.model is None or pipeline_file.left_out:
            yield fact(pipeline_file, "any", ())  # the unreadable part may use any template
        for path in sorted(files_of(pipeline_file)):
            yield fact(pipeline_file, "uses", (path,))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        if any(pipeline_fact.kind == "any" for pipeline_fact in facts):
            return
        used = {path for pipeline_fact in facts for path in pipeline_fact.values}
        there = matching_files(project.root, self.names)
        if {path for path in used if path.startswith(f"{TEMPLATES}/")} - set(there):
            return  # the name of a missing template may be misspelt
        for path in there:
            if path not in used:
                hint = "name it with 'sql:' in a pipeline, or delete it"
                yield Diagnostic(
                    path, 1, 1, "W304", "no pipeline uses this template", hint, "warning"
                )


class CheckOrder(Rule):
    """Checks of relations do not wait for one another, so that one of them can be first."""

    codes = ("E305",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        if project.environments is None or project.environments_file.diagnostics:
            return
        for checked in files:
            relations = checked.pipeline.relations()
            parents = [check.parent() for block in relations.values() for check in block.checks]
            if checked.compilation.diagnostics or checked.pipeline_file.file.diagnostics:
                continue
            if any(parent and parent[0] not in relations for parent in parents):
                continue
            try:
                name = checked.pipeline_file.stem
                # As it is written: who runs, and from which branch, lint does not look up.
                here = replace(project, written=(project.environment_name(None), project))
                build_plan(here, name, None, checked.interval, checked.compilation)
            except PlanError as error:
                yield from (
                    diagnostic for diagnostic in error.diagnostics if diagnostic.code == "E305"
                )
