"""A rule that breaks: a finding like others, so that what the other rules find is told."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Rule
from etl_framework.project.project import Project


def said(project: Project, rule: Rule, found: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """What a rule finds; when it breaks, where it does, too."""
    try:
        yield from found
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
