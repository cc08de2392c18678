"""Everything that is wrong with a project, in one go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from etl_framework.errors import Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.lint.base import Checked, ProjectRule, Rule, files_of, rule_classes
from etl_framework.lint.broken import said
from etl_framework.lint.contents import digest, read_inside
from etl_framework.lint.noqa import comments_of
from etl_framework.lint.pages import codes
from etl_framework.lint.settings import Settings, load_settings
from etl_framework.lint.telling import told, wanted_of
from etl_framework.lint.units import Unit
from etl_framework.plan.compile import Compilation
from etl_framework.plugins import import_all
from etl_framework.project.project import PipelineFile, Project


def rules() -> list[Rule]:
    """Every rule, sorted by code."""
    import_all(__package__ or "")
    return [rule() for rule in rule_classes()]


def settings_of(project: Project) -> Settings:
    """What the project's `setup.cfg` says of lint.

    :raises ConfigError: something in it is wrong.
    """
    return load_settings(project.root, codes())


def lint(
    project: Project, paths: Iterable[str] = (), settings: Settings | None = None
) -> list[Diagnostic]:
    """Every problem of the project's files, sorted by place; each once.

    :param paths: only problems of these files, folders or pipelines' names; all when empty.
    :param settings: those of the project if not given.
    :raises ConfigError: the settings are wrong, or a path is nothing of the project.
    """
    wanted = wanted_of(project.root, [found.file.path for found in project.pipelines], paths)
    settings = settings or settings_of(project)
    around = replace(project, pipelines=())
    units = [look_at(around, found) for found in project.pipelines]
    return told(units, judged(around, units), settings, wanted)


def lint_pipeline(
    project: Project, name: str, interval: DataInterval | None = None
) -> tuple[list[Diagnostic], Compilation]:
    """Every problem that a run of one pipeline would meet, and its SQL as compiled on the way.

    :param interval: what templates are rendered for; any when it does not matter.
    :raises ConfigError: there is no such pipeline.
    """
    found, settings = project.pipeline(name), settings_of(project)
    around = replace(project, pipelines=())
    checked = _checked(around, found, interval)
    mine = look_at(around, found, checked)
    units = [mine if each is found else facts_of(each) for each in project.pipelines]
    left = told([mine], judged(around, units), settings, ())
    paths = {project.environments_file.path, *files_of(found)}
    problems = [each for each in left if each.path in paths]
    return problems, checked.compilation if checked else Compilation()


def look_at(project: Project, found: PipelineFile, checked: Checked | None = None) -> Unit:
    """One pipeline by itself.

    :param project: without its pipelines.
    """
    alone = replace(project, pipelines=(found,))
    checked = checked or _checked(project, found, None)
    contents = {path: read_inside(project.root, path) for path in sorted(files_of(found))}
    problems = set(found.file.diagnostics)
    for rule in rules():
        if not isinstance(rule, ProjectRule):
            problems.update(said(alone, rule, rule.check(alone, [checked] if checked else [])))
    # Else it is not of these files alone: a hint names other files, or one was saved meanwhile.
    of_these = not any(problem.code == "E302" for problem in problems) and all(
        read_inside(project.root, path) == content for path, content in contents.items()
    )
    return Unit(
        {path: digest(content) for path, content in contents.items()} if of_these else {},
        tuple(each for each in sorted(problems) if each.path != project.environments_file.path),
        tuple(each for path, text in contents.items() for each in comments_of(path, text or b"")),
        facts_of(found).facts,
    )


def facts_of(found: PipelineFile) -> Unit:
    """What rules across pipelines need of one, and nothing else."""
    across = [rule for rule in rules() if isinstance(rule, ProjectRule)]
    facts = {type(rule).__name__: tuple(rule.facts(found)) for rule in across}
    return Unit({}, (), (), {rule: told for rule, told in facts.items() if told})


def patterns() -> list[str]:
    """Those of the files that rules across pipelines read."""
    return sorted({e for rule in rules() if isinstance(rule, ProjectRule) for e in rule.reads})


def judged(project: Project, units: Sequence[Unit]) -> Unit:
    """What is wrong with the environments, and across pipelines.

    :param project: without its pipelines.
    """
    problems = set(project.environments_file.diagnostics)
    for rule in rules():
        if isinstance(rule, ProjectRule):
            name = type(rule).__name__
            facts = [fact for unit in units for fact in unit.facts.get(name, ())]
            problems.update(said(project, rule, rule.judge(project, facts)))
        else:
            problems.update(said(project, rule, rule.check(project, [])))
    path = project.environments_file.path
    paths = {path, *(each.path for each in problems if each.path)}
    contents = {each: read_inside(project.root, each) for each in sorted(paths)}
    comments = [c for each, content in contents.items() for c in comments_of(each, content or b"")]
    return Unit({path: digest(contents[path])}, tuple(sorted(problems)), tuple(comments), {})


def _checked(
    project: Project, found: PipelineFile, interval: DataInterval | None
) -> Checked | None:
    if found.model is None:
        return None
    alone = replace(project, pipelines=(found,))
    return Checked(alone, found, found.model, interval or found.model.some_interval())
