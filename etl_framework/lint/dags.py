"""Rules about Airflow: DAG files, and pipelines that wait for others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from etl_framework.config.project import Project
from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import Checked, Rule

DAGS = "dags"


class Stubs(Rule):
    """Each pipeline has its DAG file, and each DAG file its pipeline, in a project with `dags/`.

    A pipeline without one never runs, and nobody is told.
    """

    codes = ("E501", "W501")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        folder = project.root / DAGS
        if not folder.is_dir():
            return
        known = {Path(found.file.path).stem for found in project.pipelines}
        loaded = set()
        for path, _, tree in dag_files(folder, project.root):
            for name, line, column in _loads(tree):
                loaded.add(name)
                if name not in known:
                    message = f"there is no pipeline '{name}'"
                    yield Diagnostic(path, line, column, "E501", message, did_you_mean(name, known))
        for checked in files:
            name = Path(checked.found.file.path).stem
            if name not in loaded:
                message = f"no file under {DAGS}/ loads the pipeline '{name}': it never runs"
                hint = f"etl new dag {name}"
                found = checked.found.file.diagnostic(("name",), "W501", message, hint)
                yield replace(found, severity="warning")


class Awaited(Rule):
    """What a pipeline waits for is a KPI of another pipeline."""

    codes = ("E502",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        known = {
            f"{found.model.name}.{kpi}"
            for found in project.pipelines
            if found.model
            for kpi in (*found.model.kpis, *found.broken())
        }
        unread = {Path(found.file.path).stem for found in project.pipelines if not found.model}
        for checked in files:
            for index, name in enumerate(checked.pipeline.after):
                keys = ("after", index)
                if name.partition(".")[0] in unread:
                    continue
                if name not in known:
                    message, hint = f"there is no KPI '{name}'", did_you_mean(name, known)
                    yield checked.found.file.diagnostic(keys, "E502", message, hint)
                elif name.startswith(f"{checked.pipeline.name}."):
                    message = "a pipeline cannot wait for itself"
                    yield checked.found.file.diagnostic(keys, "E502", message)


class Passwords(Rule):
    """A password is in a connection of Airflow, and not in one of its variables.

    Airflow hides a connection's password everywhere; a variable's value only by its name.
    """

    codes = ("W502",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for label, environment in environments.items():
            for name, connection in environment.connections.items():
                if "var." in (getattr(connection, "password", None) or ""):
                    keys = ("environments", label, "connections", name, "password")
                    message = "a password in an Airflow Variable is shown to who may read variables"
                    hint = "keep it in a connection: `conn_id: redshift_default`"
                    found = project.environments_file.diagnostic(keys, "W502", message, hint)
                    yield replace(found, severity="warning")


class WaitInCircle(Rule):
    """Pipelines do not wait for one another: none of them would ever be first."""

    codes = ("E503",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        waits = {
            checked.pipeline.name: [each.partition(".")[0] for each in checked.pipeline.after]
            for checked in files
        }
        for checked in files:
            name = checked.pipeline.name
            for index, first in enumerate(waits[name]):
                way = _way(waits, first, name)
                if way and first != name:
                    message = f"these pipelines wait for one another: {' -> '.join([name, *way])}"
                    hint = "take one of them out of the other's 'after'"
                    yield checked.found.file.diagnostic(("after", index), "E503", message, hint)


def _way(waits: Mapping[str, Sequence[str]], start: str, end: str) -> list[str]:
    """The shortest way of waiting from one pipeline to another; empty if there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        for name in waits.get(way[-1], ()):
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def dag_files(folder: Path, root: Path) -> Iterator[tuple[str, str, ast.Module]]:
    """Path, text and tree of each file of Python under a folder that can be read."""
    for file in sorted(folder.rglob("*.py")):
        try:
            source = file.read_text(encoding="utf-8")
            yield file.relative_to(root).as_posix(), source, ast.parse(source)
        except (OSError, SyntaxError, ValueError):
            continue


def called(node: ast.Call) -> str:
    """The name of the function that is called, without its module."""
    return str(getattr(node.func, "id", "") or getattr(node.func, "attr", ""))


def _loads(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """The pipelines that a DAG file loads, with line and column of their names."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and called(node) == "load_dag"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            name = node.args[0]
            yield str(node.args[0].value), name.lineno, name.col_offset + 1
