"""Rules about Airflow: DAG files, and pipelines that wait for others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import ApartRule, Fact, ProjectRule, fact
from etl_framework.lint.files import matching_files
from etl_framework.project.project import PipelineFile, Project

DAGS = "dags"
PATTERNS = (f"{DAGS}/**/*.py",)


class Stubs(ProjectRule):
    """Each pipeline has its DAG file, and each DAG file its pipeline, in a project with `dags/`.

    A pipeline without one never runs, and nobody is told.
    """

    codes = ("E501", "W501")
    reads = PATTERNS
    names = (DAGS,)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        kind = "pipeline" if pipeline_file.model else "broken"
        yield fact(pipeline_file, kind, (pipeline_file.stem,), ("name",))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        if not (project.root / DAGS).is_dir():
            return
        known = {pipeline_fact.values[0]: pipeline_fact.path for pipeline_fact in facts}
        loaded = set()
        for path, _, tree in dag_files(project.root, "load_dag"):
            for name, line, column in loads(tree, known):
                loaded.add(name)
                if name not in known:
                    message = f"there is no pipeline '{name}'"
                    yield Diagnostic(path, line, column, "E501", message, did_you_mean(name, known))
        for pipeline_fact in facts:
            name = pipeline_fact.values[0]
            if pipeline_fact.kind == "pipeline" and name not in loaded:
                message = f"no file under {DAGS}/ loads the pipeline '{name}': it never runs"
                yield pipeline_fact.diagnostic("W501", message, f"etl new dag {name}", "warning")


class LoadedTwice(ProjectRule):
    """A pipeline is loaded once: two DAGs of one name are one, and which of them, nobody knows."""

    codes = ("E505",)
    reads = PATTERNS

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        yield fact(pipeline_file, "pipeline", (pipeline_file.stem,), ("name",))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        paths = {known.values[0]: known.path for known in facts}
        seen: dict[str, str] = {}
        for path, _, tree in dag_files(project.root, "load_dag"):
            for name, line, column in loads(tree, paths):
                first = seen.setdefault(name, f"{path}:{line}")
                if first != f"{path}:{line}":
                    message = f"the pipeline '{name}' is loaded in {first}, too"
                    yield Diagnostic(path, line, column, "E505", message, "take one of them out")


class Awaited(ProjectRule):
    """What a pipeline waits for is a KPI of another pipeline."""

    codes = ("E502",)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        if pipeline_file.model is None:
            yield fact(pipeline_file, "unread", (pipeline_file.stem,))
            return
        mine = pipeline_file.model.name
        for name in (*pipeline_file.model.kpis, *pipeline_file.broken()):
            yield fact(pipeline_file, "makes", (f"{mine}.{name}",))
        for index, name in enumerate(pipeline_file.model.after):
            yield fact(pipeline_file, "awaits", (name, mine), ("after", index))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        known = {
            pipeline_fact.values[0] for pipeline_fact in facts if pipeline_fact.kind == "makes"
        }
        unread = {
            pipeline_fact.values[0] for pipeline_fact in facts if pipeline_fact.kind == "unread"
        }
        for pipeline_fact in facts:
            if (
                pipeline_fact.kind != "awaits"
                or pipeline_fact.values[0].partition(".")[0] in unread
            ):
                continue
            name, mine = pipeline_fact.values
            if name not in known:
                yield pipeline_fact.diagnostic(
                    "E502", f"there is no KPI '{name}'", did_you_mean(name, known)
                )
            elif name.startswith(f"{mine}."):
                yield pipeline_fact.diagnostic("E502", "a pipeline cannot wait for itself")


class Passwords(ApartRule):
    """A password is in a connection of Airflow, and not in one of its variables.

    Airflow hides a connection's password everywhere; a variable's value only by its name.
    """

    codes = ("W502",)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for label, environment in environments.items():
            for name, connection in environment.connections.items():
                if "var." in (getattr(connection, "password", None) or ""):
                    keys = ("environments", label, "connections", name, "password")
                    message = "a password in an Airflow Variable is shown to who may read variables"
                    hint = "keep it in a connection: `conn_id: redshift_default`"
                    diagnostic = project.environments_file.diagnostic(keys, "W502", message, hint)
                    yield replace(diagnostic, severity="warning")


class WaitInCircle(ProjectRule):
    """Pipelines do not wait for one another: none of them would ever be first."""

    codes = ("E503",)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        for index, name in enumerate(pipeline_file.model.after if pipeline_file.model else ()):
            mine = pipeline_file.model.name if pipeline_file.model else ""
            yield fact(pipeline_file, "awaits", (mine, name.partition(".")[0]), ("after", index))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        waits: dict[str, list[str]] = {}
        for wait in facts:
            waits.setdefault(wait.values[0], []).append(wait.values[1])
        for wait in facts:
            name, first = wait.values
            way = _way(waits, first, name) if first != name else []
            if way:
                message = f"these pipelines wait for one another: {' -> '.join([name, *way])}"
                yield wait.diagnostic("E503", message, "take one out of the other's 'after'")


def _way(waits: Mapping[str, Sequence[str]], start: str, end: str) -> list[str]:
    """Return the shortest chain of waits from one pipeline to another; empty if there is none."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == end:
            return way
        for name in waits.get(way[-1], ()):
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def dag_files(root: Path, word: str) -> Iterator[tuple[str, str, ast.Module]]:
    """Return path, text and tree of every readable DAG file that contains a word."""
    for path in matching_files(root, PATTERNS):
        try:
            source = (root / path).read_text(encoding="utf-8")
            if word in source:
                yield path, source, ast.parse(source)
        except (OSError, SyntaxError, ValueError):
            continue


def called(node: ast.Call) -> str:
    """Return the name of the function that is called, without its module."""
    return str(getattr(node.func, "id", "") or getattr(node.func, "attr", ""))


def loads(tree: ast.Module, paths: Mapping[str, str]) -> Iterator[tuple[str, int, int]]:
    """Return the pipelines that a DAG file loads, with line and column of what names them.

    :param paths: of every pipeline the path of its file; `load_dags` names a folder of them.
    """
    for node in ast.walk(tree):
        if (
            not isinstance(node, ast.Call)
            or called(node) not in ("load_dag", "load_dags")
            or not node.args
            or not isinstance(node.args[0], ast.Constant)
            or not isinstance(node.args[0].value, str)
        ):
            continue
        name, line, column = node.args[0].value, node.args[0].lineno, node.args[0].col_offset + 1
        if called(node) == "load_dag":
            yield name, line, column
            continue
        below = [found for found, path in paths.items() if path.startswith(f"{name.rstrip('/')}/")]
        for found in below or [name]:
            yield found, line, column
