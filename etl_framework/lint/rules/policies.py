"""The rule that applies a project's policies, and finds policies that cannot be kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Fact, ProjectRule
from etl_framework.lint.pages import FOLDER
from etl_framework.lint.policy_selectors import CODE, LOOKED_AT, Meanings, as_text, is_chosen
from etl_framework.project.paths import POLICIES
from etl_framework.project.project import PipelineFile, Project
from etl_framework.project.relation import SECTIONS
from etl_framework.project.selectors import Meant, both
from etl_framework.project.yaml_file import Keys, YamlFile

if TYPE_CHECKING:
    from etl_framework.lint.policies.base import Finding, Policy

CONTRADICTION = "E604"
# Those of other rules: a connection in no environment, a rule that breaks, a file's name.
UNKNOWN, BREAKS, OTHER_NAME = "E301", "E602", "W309"


class KeepsPolicies(ProjectRule):
    """Pipelines keep the policies of `policies.yml`.

    What breaks a policy is looked for in each pipeline; which pipelines a policy is about is known
    only when all have been read.
    """

    codes = (
        *sorted(file.name.removesuffix(".md") for file in FOLDER.iterdir() if file.name[0] == "P"),
        CODE,
        CONTRADICTION,
    )
    names = ("policies.yaml", "policy.yml", "policy.yaml")

    def __init__(self) -> None:
        self._file: YamlFile | None = None
        self._policies: dict[str, Policy] = {}

    def begin(self, project: Project) -> None:
        """Read the policies, if the project has some."""
        file = project.root / POLICIES
        if file.exists() or file.is_symlink():
            from etl_framework.lint.policy_file import load_policies

            self._policies, self._file = load_policies(project.root)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        if self._file is None:
            return
        path, pipeline = pipeline_file.file.path, pipeline_file.model
        if pipeline is None or LOOKED_AT & {keys[0] for keys in pipeline_file.left_out}:
            yield Fact("unread", (), path)
        if pipeline is None:
            return
        yield Fact("pipeline", (as_text(pipeline_file),), path)
        for name, policy in self._policies.items():
            try:
                findings = [f for f in policy.find(pipeline) if _is_read(pipeline_file, f.about)]
            except Exception as error:  # noqa: BLE001 - a policy may be another package's
                message = f"its type breaks: {type(error).__name__}: {error}"
                yield Fact("breaks", (name, message), path)
                continue
            for finding in findings:
                relation = str(finding.about[1]) if finding.about[0] in SECTIONS.values() else ""
                values = (name, pipeline_file.stem, relation, finding.message, finding.hint)
                yield Fact("finding", values, *_place(pipeline_file.file, finding))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        for name in self.names:
            if (project.root / name).is_file():
                message, hint = f"nothing reads the policies of '{name}'", f"call it {POLICIES}"
                yield Diagnostic(name, 0, 0, OTHER_NAME, message, hint, "warning")
        if self._file is None:
            return
        yield from self._file.diagnostics
        meanings = Meanings(fact.values[0] for fact in facts if fact.kind == "pipeline")
        if not any(fact.kind == "unread" for fact in facts):
            yield from meanings.wrong(self._file)
        chosen = {
            name: meanings.chosen(policy.select, policy.exclude)
            for name, policy in self._policies.items()
        }
        yield from _contradictions(self._policies, chosen, self._file)
        for name, policy in self._policies.items():
            for finding in policy.misfits(project):
                keys = ("policies", name, *finding.about)
                yield self._file.diagnostic(keys, UNKNOWN, finding.message, finding.hint)
        broken = dict[str, str]()
        for fact in facts:
            if fact.kind == "finding" and is_chosen(chosen[fact.values[0]], *fact.values[1:3]):
                name, _, _, message, hint = fact.values
                policy = self._policies[name]
                message = f"{message} (policy {name}: {policy.reason})"
                yield fact.diagnostic(policy.code, message, hint, policy.severity)
            elif fact.kind == "breaks":
                broken.setdefault(*fact.values)
        for name, message in broken.items():
            keys, hint = ("policies", name, "type"), "mend or uninstall the package that brings it"
            yield self._file.diagnostic(keys, BREAKS, message, hint)


def _contradictions(
    policies: Mapping[str, Policy], chosen: Mapping[str, Meant], file: YamlFile
) -> Iterator[Diagnostic]:
    """Return every two lists of one type, about one pipeline, which no value keeps."""
    from etl_framework.lint.policies.base import AllowList

    lists = [(name, policy) for name, policy in policies.items() if isinstance(policy, AllowList)]
    for (first, one), (second, other) in combinations(lists, 2):
        common = both(chosen[first], chosen[second])
        if common and one.contradicts(other):
            message = f"'{min(common)}' cannot keep both '{first}' and '{second}'"
            hint = "let them allow a value in common, or select other pipelines"
            keys = ("policies", second, "allow" if other.allow else "forbid")
            yield file.diagnostic(keys, CONTRADICTION, message, hint)


def _is_read(pipeline_file: PipelineFile, about: Keys) -> bool:
    """Return whether the part that a finding is about has no mistake that another rule tells."""
    return not any(
        part[: len(about)] == about or about[: len(part)] == part for part in pipeline_file.left_out
    )


def _place(file: YamlFile, finding: Finding) -> tuple[str, int, int]:
    """Return the place of what a finding is about, or of what should have it."""
    owner, there = file.owner(finding.about)
    if there in owner.values:
        return owner.path, *owner.place(there, of_key=finding.of_key)
    if len(finding.about) == 1:
        return file.where(("name",))
    return file.where(finding.about[:-1], of_key=True)
