"""Rules about paths that lead out of the project, and functions that do not exist."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import ApartRule, Fact, ProjectRule, fact
from etl_framework.project.project import PipelineFile, Project

# The keys of an environment and of its connections that hold a path below the project's folder.
OF_ENVIRONMENT = ("staging", "work", "env_file")
OF_CONNECTION = ("path", "embedded", "seed", "ssl_root_cert")


class LeadsOut(ApartRule):
    """A path starts at the project's folder and stays in it.

    `..` means something else on each machine, and a run could read or write what is not the
    project's. An absolute path is taken as it is.
    """

    codes = ("E702",)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for label, environment in environments.items():
            keys: tuple[str, ...] = ("environments", label)
            yield from _outside(project, keys, environment, OF_ENVIRONMENT)
            for name, connection in environment.connections.items():
                keys = ("environments", label, "connections", name)
                yield from _outside(project, keys, connection, OF_CONNECTION)


class MissingFunction(ProjectRule):
    """The function of a Python transform is there: its file is read, and nothing of it is run.

    A module that is neither in the project nor installed here may be installed where runs are.
    """

    codes = ("E318", "W307")
    reads = ("*.py", "*/*.py")

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        for name, transform in (
            pipeline_file.model.transforms.items() if pipeline_file.model else ()
        ):
            if transform.python:
                keys, module = ("transforms", name, "python"), transform.python.partition(":")[0]
                place = pipeline_file.file.where_inside(keys, transform.python, len(module) + 1)
                yield fact(pipeline_file, "module", (transform.python,), keys)
                yield Fact("function", (transform.python,), *place)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        for pipeline_fact in facts:
            module, _, function = pipeline_fact.values[0].partition(":")
            path = _module(project.root, module)
            if path is None:
                installed = importlib.util.find_spec(module.partition(".")[0]) is not None
                if pipeline_fact.kind == "module" and not installed:
                    message = f"the module '{module}' is neither in the project nor installed"
                    yield pipeline_fact.diagnostic("W307", message, severity="warning")
                continue
            known = _functions(path)
            if pipeline_fact.kind == "function" and known is not None and function not in known:
                message = f"there is no function '{function}' in "
                message += path.relative_to(project.root).as_posix()
                yield pipeline_fact.diagnostic("E318", message, did_you_mean(function, known))


def _outside(
    project: Project, keys: tuple[str, ...], block: object, names: tuple[str, ...]
) -> Iterator[Diagnostic]:
    for name in names:
        path = getattr(block, name, None)
        if not path or "://" in path or "{{" in path or Path(path).is_absolute():
            continue
        if not (project.root / path).resolve().is_relative_to(project.root.resolve()):
            message = f"the path '{path}' leads out of the project's folder"
            hint = "write one below it, or an absolute one"
            yield project.environments_file.diagnostic((*keys, name), "E702", message, hint)


def _module(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _functions(path: Path) -> set[str] | None:
    """Return the names that a file's top level defines; None if they are not certain."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.If | ast.Try):
            return None
    return None if "*" in names else names
