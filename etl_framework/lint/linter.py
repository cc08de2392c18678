"""Everything that is wrong with a project, in one go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from etl_framework.config.project import TEMPLATES, Project
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.plugins import import_all


def rules() -> list[Rule]:
    """Every rule, sorted by code."""
    import_all(__package__ or "")
    return sorted((rule() for rule in Rule.__subclasses__()), key=lambda rule: rule.codes)


def lint(project: Project, paths: Iterable[str] = ()) -> list[Diagnostic]:
    """Every problem of the project's files, sorted by place; each once.

    :param paths: only problems of these files, folders or pipelines' names; all when empty.
    """
    files = [Checked(project, found, found.model) for found in project.pipelines if found.model]
    problems = set(project.diagnostics())
    for rule in rules():
        problems.update(rule.check(project, files))
    wanted = [_relative(project, path) for path in paths]
    if wanted:
        problems = {found for found in problems if _is_in(found.path, wanted)}
    return sorted(problems)


def lint_pipeline(project: Project, name: str) -> list[Diagnostic]:
    """Every problem that a run of one pipeline would meet: of its files and the environments.

    :raises ConfigError: there is no such pipeline.
    """
    found = project.pipeline(name)
    mine = {found.file.path, project.environments_file.path}
    if found.model:
        queries = found.model.queries().values()
        mine |= {f"{TEMPLATES}/{query.sql}" for query in queries if query.sql}
    return [problem for problem in lint(project) if problem.path in mine]


def _relative(project: Project, path: str) -> str:
    full = Path(path).resolve()
    root = project.root.resolve()
    return str(full.relative_to(root)) if full.is_relative_to(root) else path


def _is_in(path: str, wanted: list[str]) -> bool:
    return any(
        path == each or each == "." or path.startswith(f"{each}/") or Path(path).stem == each
        for each in wanted
    )


def as_json(problems: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """For machines: one object per problem."""
    return [asdict(problem) for problem in problems]
