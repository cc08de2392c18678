"""Everything that is wrong with a project, in one go."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from etl_framework.config.project import Project
from etl_framework.errors import ConfigError, Diagnostic, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.lint.base import Checked, Rule, files_of, rule_classes
from etl_framework.lint.noqa import without_answered
from etl_framework.lint.pages import codes
from etl_framework.lint.settings import Settings, load_settings
from etl_framework.plugins import import_all
from etl_framework.queries import Compilation


def rules() -> list[Rule]:
    """Every rule, sorted by code."""
    import_all(__package__ or "")
    return [rule() for rule in rule_classes()]


def settings_of(project: Project) -> Settings:
    """What the project's `setup.cfg` says of lint.

    :raises ConfigError: something in it is wrong.
    """
    rules()
    return load_settings(project.root, codes())


def lint(
    project: Project, paths: Iterable[str] = (), settings: Settings | None = None
) -> list[Diagnostic]:
    """Every problem of the project's files, sorted by place; each once.

    :param paths: only problems of these files, folders or pipelines' names; all when empty.
    :param settings: those of the project if not given.
    :raises ConfigError: the settings are wrong, or a path is nothing of the project.
    """
    files = [
        Checked(project, found, found.model, found.model.some_interval())
        for found in project.pipelines
        if found.model
    ]
    wanted = [_relative(project, path) for path in paths]
    _refuse_unknown(project, wanted)
    problems = _problems(project, files, settings or settings_of(project))
    return [found for found in problems if not wanted or _is_in(found.path, wanted)]


def _refuse_unknown(project: Project, wanted: list[str]) -> None:
    """A mistyped path must not look clean.

    :raises ConfigError: it is no file or folder of the project, nor the name of a pipeline.
    """
    names = {Path(found.file.path).stem for found in project.pipelines}
    for path in wanted:
        if path not in names and not (project.root / path).exists():
            raise ConfigError(
                f"'{path}' is no file, folder or pipeline", hint=did_you_mean(path, names)
            )


def lint_pipeline(
    project: Project, name: str, interval: DataInterval | None = None
) -> tuple[list[Diagnostic], Compilation]:
    """Every problem that a run of one pipeline would meet, and its SQL as compiled on the way.

    :param interval: what templates are rendered for; any when it does not matter.
    :raises ConfigError: there is no such pipeline.
    """
    found, settings = project.pipeline(name), settings_of(project)
    mine = {project.environments_file.path, *files_of(found)}
    if found.model is None:
        problems, compilation = _problems(project, [], settings), Compilation()
    else:
        interval = interval or found.model.some_interval()
        checked = Checked(project, found, found.model, interval)
        problems, compilation = _problems(project, [checked], settings), checked.compilation
    return [each for each in problems if each.path in mine], compilation


def _problems(project: Project, files: list[Checked], settings: Settings) -> list[Diagnostic]:
    problems = set(project.diagnostics())
    for rule in rules():
        problems.update(rule.check(project, files))
    paths = {project.environments_file.path, *(each.path for each in problems if each.path)}
    for checked in files:
        paths |= files_of(checked.found)
    left = without_answered(project.root, sorted(paths), problems, codes(), settings.wants)
    return sorted(settings.applied(left))


def _relative(project: Project, path: str) -> str:
    full = Path(path).resolve()
    root = project.root.resolve()
    return str(full.relative_to(root)) if full.is_relative_to(root) else path


def _is_in(path: str, wanted: list[str]) -> bool:
    return any(
        path == each or each == "." or path.startswith(f"{each}/") or Path(path).stem == each
        for each in wanted
    )
