"""Rules about Airflow: DAG files, and pipelines that wait for others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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
        for file in sorted(folder.rglob("*.py")):
            path = str(file.relative_to(project.root))
            for name, line, column in loads(file):
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
            for kpi in found.model.kpis
        }
        for checked in files:
            for index, name in enumerate(checked.pipeline.after):
                keys = ("after", index)
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


def loads(file: Path) -> Iterator[tuple[str, int, int]]:
    """The pipelines that a DAG file loads, with line and column of their names."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) == "load_dag"
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            name = node.args[0]
            yield str(node.args[0].value), name.lineno, name.col_offset + 1
