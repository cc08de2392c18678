"""Everything that is wrong with a project, in one go."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from etl_framework.config.project import TEMPLATES, Project
from etl_framework.errors import ConfigError, Diagnostic, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.lint.base import Checked, Rule
from etl_framework.plugins import import_all
from etl_framework.queries import Compilation


def rules() -> list[Rule]:
    """Every rule, sorted by code."""
    import_all(__package__ or "")
    return sorted((rule() for rule in Rule.__subclasses__()), key=lambda rule: rule.codes)


def lint(project: Project, paths: Iterable[str] = ()) -> list[Diagnostic]:
    """Every problem of the project's files, sorted by place; each once.

    :param paths: only problems of these files, folders or pipelines' names; all when empty.
    """
    files = [
        Checked(project, found, found.model, found.model.some_interval())
        for found in project.pipelines
        if found.model
    ]
    wanted = [_relative(project, path) for path in paths]
    _refuse_unknown(project, wanted)
    problems = _problems(project, files)
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
    found = project.pipeline(name)
    mine = {found.file.path, project.environments_file.path}
    if found.model is None:
        return [each for each in _problems(project, []) if each.path in mine], Compilation()
    checked = Checked(project, found, found.model, interval or found.model.some_interval())
    queries = found.model.queries().values()
    mine |= {f"{TEMPLATES}/{query.sql}" for query in queries if query.sql}
    problems = [each for each in _problems(project, [checked]) if each.path in mine]
    return problems, checked.compilation


def _problems(project: Project, files: list[Checked]) -> list[Diagnostic]:
    problems = set(project.diagnostics())
    for rule in rules():
        problems.update(rule.check(project, files))
    return sorted(problems)


def _relative(project: Project, path: str) -> str:
    full = Path(path).resolve()
    root = project.root.resolve()
    return str(full.relative_to(root)) if full.is_relative_to(root) else path


def _is_in(path: str, wanted: list[str]) -> bool:
    return any(
        path == each or each == "." or path.startswith(f"{each}/") or Path(path).stem == each
        for each in wanted
    )
