"""Rules about values of persons: where they go, and what masks need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Fact, ProjectRule, Rule, fact
from etl_framework.plan.personal import Personal, personal
from etl_framework.project.project import PipelineFile, Project
from etl_framework.project.yaml_file import Keys

ALLOW = 'or say why it may be there, allow: "..."'


class Unmasked(Rule):
    """A sensitive value reaches a target masked, or with a reason.

    It is followed through the SQL; a count, a sum or an average shows no single value.
    """

    codes = ("W704",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            facts = _facts(checked)
            for name, kpi in checked.pipeline.kpis.items():
                for index, column in enumerate(kpi.columns):
                    if origin := facts.shown.get((name, column.name.lower())):
                        keys = ("kpis", name, "columns", index, "name")
                        yield _warning(checked, keys, "W704", *_told(facts, column.name, origin))


def _told(facts: Personal, column: str, origin: tuple[str, str]) -> tuple[str, str]:
    """Return what is wrong with a column of a target, and what to do."""
    kind = facts.starts[origin]
    what = "sensitive" if kind == "other" else f"sensitive ({kind})"
    message = f"'{column}' shows values of {'.'.join(origin)}, which is {what}, unmasked"
    return message, f"mask it where it is read, for example mask: hash, {ALLOW}"


class NeedlessAllow(Rule):
    """A reason to show sensitive values stands where such values come."""

    codes = ("W705",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            facts = _facts(checked)
            if checked.compilation.diagnostics:
                continue  # nobody knows what comes there
            for relation in checked.pipeline_file.relations.values():
                for index, column in enumerate(relation.block.columns):
                    field = (relation.name, column.name.lower())
                    if column.allow and field not in facts.allowed:
                        message = f"no sensitive value comes to '{column.name}' unmasked"
                        keys = (*relation.keys, "columns", index, "allow")
                        yield _warning(checked, keys, "W705", message, "take 'allow' out")


class HashNeedsSalt(ProjectRule):
    """An environment has the salt that a pipeline's masks need."""

    codes = ("E704",)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        model = pipeline_file.model
        for name, source in model.sources.items() if model else ():
            for index, column in enumerate(source.columns):
                if column.mask == "hash":
                    keys = ("sources", name, "columns", index, "mask")
                    yield fact(pipeline_file, "hashes", (source.connection,), keys)
                    break

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for hashes in facts:
            without = [
                name
                for name, environment in environments.items()
                if not environment.salt and hashes.values[0] in environment.connections
            ]
            if without:
                message = f"'hash' needs a salt, and the environment '{without[0]}' has none"
                hint = 'write `salt: "{{ env.ETL_SALT }}"` there, in environments.yml'
                yield Diagnostic(hashes.path, hashes.line, hashes.column, "E704", message, hint)


def _facts(checked: Checked) -> Personal:
    """Where the sensitive values of a pipeline go; later calls return the same."""
    if "personal" not in checked.shared:
        checked.shared["personal"] = personal(checked.pipeline, checked.compilation)
    facts: Personal = checked.shared["personal"]
    return facts


def _warning(checked: Checked, keys: Keys, code: str, message: str, hint: str) -> Diagnostic:
    diagnostic = checked.pipeline_file.file.diagnostic(keys, code, message, hint)
    return replace(diagnostic, severity="warning")
