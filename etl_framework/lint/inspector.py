"""Apply the rules: to one pipeline at a time, and across all pipelines."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from etl_framework.errors import Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.lint.base import Checked, Fact, ProjectRule, Rule, files_of, rule_classes
from etl_framework.lint.cache import Unit, merged
from etl_framework.lint.files import Files
from etl_framework.lint.noqa import Noqa, comments_of
from etl_framework.lint.own_rules import rules_of
from etl_framework.lint.settings import Settings
from etl_framework.plugins import import_all
from etl_framework.project.paths import digest, read_inside
from etl_framework.project.project import PipelineFile, Project, load_environments, load_pipelines

# The input of a rule across pipelines: facts, digests of files, names of files.
Grounds = tuple[list[Fact], list[tuple[str, str]], list[list[str]]]


def rules(settings: Settings | None = None) -> list[Rule]:
    """Return every rule, sorted by code.

    :param settings: the settings of a project; the result then has no own rules of other projects.
        Without settings it has all rules that are loaded.
    """
    import_all(f"{__package__}.rules")
    classes = rule_classes()
    if settings is not None:
        classes = rules_of(settings.modules, classes)
    return [rule() for rule in classes]


@dataclass(frozen=True)
class Judgement:
    """The problems that a rule across pipelines found, and the input that they came from."""

    grounds: Grounds
    problems: tuple[Diagnostic, ...]


class Inspector:
    """A project's rules and environments, as they were when the inspector was made.

    :param around: the project without its pipelines.
    """

    def __init__(self, root: Path, settings: Settings) -> None:
        self.around = load_environments(root)
        self._rules = rules(settings)
        for rule in self._rules:
            rule.begin(self.around)
        self._judgements: dict[str, Judgement] = {}
        self._comments: dict[str, tuple[str, tuple[Noqa, ...]]] = {}

    @property
    def reads(self) -> tuple[str, ...]:
        """The patterns of the files that rules across pipelines read."""
        across = [rule for rule in self._rules if isinstance(rule, ProjectRule)]
        return tuple(sorted({pattern for rule in across for pattern in rule.reads}))

    @property
    def names(self) -> tuple[str, ...]:
        """The patterns of the files whose names rules across pipelines look at."""
        across = [rule for rule in self._rules if isinstance(rule, ProjectRule)]
        return tuple(sorted({pattern for rule in across for pattern in rule.names}))

    def unit(self, path: str) -> Unit:
        """Look at the pipeline in a file, and return its unit."""
        before = digest(read_inside(self.around.root, path))
        files = load_pipelines(self.around.root, path)
        unit = merged(self.look_at(pipeline_file)[0] for pipeline_file in files)
        # A file that was saved meanwhile is looked at again the next time.
        return unit if unit.files.get(path) == before else replace(unit, files={})

    def look_at(
        self, pipeline_file: PipelineFile, interval: DataInterval | None = None
    ) -> tuple[Unit, Checked | None]:
        """Look at one pipeline by itself.

        :param interval: the data interval that templates are rendered for; any interval if None.
        :returns: its unit; what its rules looked at, or None if the file has no pipeline.
        """
        checked = _checked(self.around, pipeline_file, interval)
        alone = replace(self.around, pipelines=(pipeline_file,))
        root, environments = self.around.root, self.around.environments_file.path
        contents = {path: read_inside(root, path) for path in sorted(files_of(pipeline_file))}
        problems = set(pipeline_file.file.diagnostics)
        for rule in self._rules:
            if not isinstance(rule, ProjectRule):
                problems.update(
                    problems_of(alone, rule, rule.check(alone, [checked] if checked else []))
                )
        # Else the result depends on more files: a hint names others, a link leads out of the
        # project, or a file was saved meanwhile.
        of_these = not any(problem.code == "E302" for problem in problems) and all(
            (content is not None or path in pipeline_file.defaults)
            and read_inside(root, path) == content
            for path, content in contents.items()
        )
        unit = Unit(
            {path: digest(content) for path, content in contents.items()} if of_these else {},
            tuple(problem for problem in sorted(problems) if problem.path != environments),
            tuple(c for path, text in contents.items() for c in comments_of(path, text or b"")),
            self.facts_of(pipeline_file).facts,
        )
        return unit, checked

    def facts_of(self, pipeline_file: PipelineFile) -> Unit:
        """Return a unit that has only the facts for rules across pipelines."""
        across = [rule for rule in self._rules if isinstance(rule, ProjectRule)]
        facts = {type(rule).__name__: tuple(rule.facts(pipeline_file)) for rule in across}
        return Unit(
            {}, (), (), {rule: rule_facts for rule, rule_facts in facts.items() if rule_facts}
        )

    def judge(self, units: Sequence[Unit], files: Files) -> Unit:
        """Return the problems in the environments and across pipelines.

        A rule runs again only if its input has changed.
        """
        problems = set(self.around.environments_file.diagnostics)
        for rule in self._rules:
            problems.update(self._judge_rule(rule, units, files))
        environments = self.around.environments_file.path
        paths = {environments, *(problem.path for problem in problems if problem.path)}
        comments = [comment for path in sorted(paths) for comment in self._noqas(path, files)]
        return Unit({}, tuple(sorted(problems)), tuple(comments), {})

    def _judge_rule(
        self, rule: Rule, units: Sequence[Unit], files: Files
    ) -> tuple[Diagnostic, ...]:
        name = type(rule).__name__
        facts, reads, names = list[Fact](), list[tuple[str, str]](), list[list[str]]()
        if isinstance(rule, ProjectRule):
            facts = [fact for unit in units for fact in unit.facts.get(name, ())]
            read = [path for pattern in rule.reads for path in files.named(pattern)]
            reads = [(path, files.digest(path)) for path in read]
            names = [files.named(pattern) for pattern in rule.names]
        grounds = facts, reads, names
        known = self._judgements.get(name)
        if known is None or known.grounds != grounds:
            diagnostics = (
                rule.judge(self.around, facts)
                if isinstance(rule, ProjectRule)
                else rule.check(self.around, [])
            )
            known = Judgement(grounds, tuple(problems_of(self.around, rule, diagnostics)))
            self._judgements[name] = known
        return known.problems

    def _noqas(self, path: str, files: Files) -> tuple[Noqa, ...]:
        now = files.digest(path)
        known = self._comments.get(path)
        if known is None or known[0] != now:
            content = read_inside(self.around.root, path) or b""
            known = self._comments[path] = now, tuple(comments_of(path, content))
        return known[1]


def _checked(
    project: Project, pipeline_file: PipelineFile, interval: DataInterval | None
) -> Checked | None:
    if pipeline_file.model is None:
        return None
    alone = replace(project, pipelines=(pipeline_file,))
    return Checked(
        alone, pipeline_file, pipeline_file.model, interval or pipeline_file.model.some_interval()
    )


def problems_of(
    project: Project, rule: Rule, diagnostics: Iterable[Diagnostic]
) -> Iterator[Diagnostic]:
    """Return the problems that a rule finds; if the rule raises, also where it does."""
    try:
        yield from diagnostics
    except Exception as error:  # noqa: BLE001 - a rule may be the project's own
        yield _broken(project.root, rule, error)


def _broken(root: Path, rule: Rule, error: Exception) -> Diagnostic:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root)]
    inside = [frame for frame in own if "site-packages" not in frame.filename]
    frame = (inside or list(frames))[-1]
    message = f"the rule {type(rule).__name__} breaks: {type(error).__name__}: {error}"
    if inside:
        path = Path(frame.filename).relative_to(root).as_posix()
        return Diagnostic(path, frame.lineno or 1, 1, "E602", message, "mend it")
    hint = f"a fault of lint, in {Path(frame.filename).name}:{frame.lineno}: please report it"
    return Diagnostic("", 0, 0, "E602", message, hint)
