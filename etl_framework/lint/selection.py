"""Select the problems that lint reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic, did_you_mean
from etl_framework.lint.cache import AROUND, Unit
from etl_framework.lint.noqa import without_answered
from etl_framework.lint.pages import codes
from etl_framework.lint.settings import Settings

KINDS = (".yml", ".yaml", ".sql", ".py")


def selected(
    units: Sequence[Unit], across: Unit, settings: Settings, wanted: Sequence[str]
) -> list[Diagnostic]:
    """Return the problems of these units to report, sorted by place.

    Problems that a comment answers, that the settings ignore, or that are in other paths are left
    out.
    """
    problems = {problem for unit in (*units, across) for problem in unit.problems}
    comments = [comment for unit in (*units, across) for comment in unit.comments]
    left: Iterable[Diagnostic] = problems
    if comments:
        left = without_answered(comments, problems, codes(settings.modules), settings.wants)
    shown = sorted(settings.applied(left))
    return [problem for problem in shown if not wanted or _is_in(problem.path, wanted)]


def relative_paths(root: Path, pipelines: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Return the given paths as paths below the root; names of pipelines stay as they are.

    :raises ConfigError: a path is no file or folder of the project, nor the name of a pipeline; or
        it is a file that lint does not look at. A mistyped path must not look clean.
    """
    wanted = [_relative(root, path) for path in paths]
    names = {Path(path).stem for path in pipelines}
    for path in wanted:
        if not path or Path(path).is_absolute() or path.startswith(".."):
            raise ConfigError(f"'{path}' is outside of the project", hint=f"it is {root}")
        if path not in names and not (root / path).exists():
            raise ConfigError(
                f"'{path}' is no file, folder or pipeline", hint=did_you_mean(path, names)
            )
        if (root / path).is_file() and not path.endswith(KINDS) and path not in AROUND:
            hint = f"it looks at files of {', '.join(KINDS)}, and at {', '.join(AROUND)}"
            raise ConfigError(f"'{path}' is nothing that lint looks at", hint=hint)
    return wanted


def _relative(root: Path, path: str) -> str:
    if not path:
        return path
    full, root = Path(path).resolve(), root.resolve()
    return str(full.relative_to(root)) if full.is_relative_to(root) else path


def _is_in(path: str, wanted: Sequence[str]) -> bool:
    return any(
        path == entry or entry == "." or path.startswith(f"{entry}/") or Path(path).stem == entry
        for entry in wanted
    )
