"""The project's own rules: Python files that its settings name, and that run as part of lint."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from etl_framework.project.paths import digest

PREFIX = "etl_lint_rules_"
T = TypeVar("T")


def import_rules(root: Path, paths: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """Load files with rules, and forget the files that the project named before.

    A changed file is loaded again, even within the same second. Python's own cache of compiled
    modules would not notice such a change.

    :returns: the names of the modules; message and hint of every file that does not load.
    """
    names: list[str] = []
    problems: list[tuple[str, str]] = []
    contents: list[tuple[str, Path, bytes, str]] = []
    for path in paths:
        file = (root / path).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            hint = "name a file of Python below the project's folder"
            problems.append((f"there is no file '{path}' in the project", hint))
            continue
        content = file.read_bytes()
        name = f"{_prefix(root)}{digest(str(file).encode() + content)[:16]}"
        contents.append((path, file, content, name))
    forget_modules(root, [name for *_, name in contents])
    for path, file, content, name in contents:
        try:
            _load(name, file, content)
            names.append(name)
        except Exception as error:  # noqa: BLE001 - it is the project's own code
            del sys.modules[name]
            message = f"{path} does not load: {type(error).__name__}: {error}"
            problems.append((message, "mend it, or take it out of 'rules'"))
    return tuple(names), problems


def rules_of(modules: Collection[str], classes: Iterable[type[T]]) -> list[type[T]]:
    """Return the rules that count in a project: those of the package, and its own.

    :param modules: the modules of its own rules; other projects of this process may have some.
    """
    return [c for c in classes if not c.__module__.startswith(PREFIX) or c.__module__ in modules]


def forget_modules(root: Path, names: Iterable[str]) -> None:
    """Forget the modules of a project's own rules, except for these names."""
    kept, prefix = set(names), _prefix(root)
    for name in [name for name in sys.modules if name.startswith(prefix)]:
        if name not in kept:
            del sys.modules[name]


def _prefix(root: Path) -> str:
    return f"{PREFIX}{digest(str(root.resolve()).encode())[:8]}_"


def _load(name: str, file: Path, content: bytes) -> None:
    if name in sys.modules:
        return
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    exec(compile(content, str(file), "exec"), module.__dict__)
