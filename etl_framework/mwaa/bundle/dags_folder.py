"""The folder `dags/` of a bundle: the project's files as DAG files need them on MWAA."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from etl_framework.airflow.compiled import FOLDER as COMPILED
from etl_framework.airflow.compiled import compiled_form, keep
from etl_framework.engines.duckdb.function import source_file
from etl_framework.errors import BundleError, Diagnostic
from etl_framework.lint.rules.dags import DAGS, dag_files, loads
from etl_framework.plan.plan import build_plan
from etl_framework.platforms.mwaa import MwaaVersion
from etl_framework.project.models import Pipeline
from etl_framework.project.paths import PIPELINE_TEMPLATES
from etl_framework.project.project import ENVIRONMENTS, PIPELINES, TEMPLATES, Project, load_project

IGNORE = ".airflowignore"
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def write_dags(
    project: Project,
    pipelines: Sequence[Pipeline],
    environment: str,
    version: MwaaVersion,
    folder: Path,
) -> None:
    """Copy the project into a folder, with each pipeline compiled for an environment.

    DAG files lie at the folder's root, beside `environments.yml`, so that it is their project.
    """
    shutil.copytree(project.root / DAGS, folder, ignore=LEFT_OUT)
    names = {pipeline.name for pipeline in pipelines}
    _leave_out(project, names, folder)
    code = write_project(project, pipelines, folder)
    no_dags = [PIPELINES, PIPELINE_TEMPLATES, TEMPLATES, COMPILED.split("/")[0], *code]
    _write_ignored(project.root, no_dags, version, folder)
    _compile(folder, environment, names)


def write_project(project: Project, pipelines: Sequence[Pipeline], folder: Path) -> list[str]:
    """Copy the files that steps read into a folder; return the names of its Python code."""
    root = project.root
    for name in (PIPELINES, PIPELINE_TEMPLATES, TEMPLATES):
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=LEFT_OUT, dirs_exist_ok=True)
    shutil.copyfile(root / ENVIRONMENTS, folder / ENVIRONMENTS)
    return _copy_code(root, pipelines, folder)


def _leave_out(project: Project, names: Collection[str], folder: Path) -> None:
    """Delete the DAG files that load none but other pipelines.

    :raises BundleError: a file loads pipelines that go in and others that do not.
    """
    others = {model.name for model in project.models} - set(names)
    paths = {pipeline_file.stem: pipeline_file.file.path for pipeline_file in project.pipelines}
    mixed = list[Diagnostic]()
    for path, _, tree in dag_files(project.root, "load_dag"):
        loaded = list(loads(tree, paths))
        left_out = [(name, line, column) for name, line, column in loaded if name in others]
        if left_out and len(left_out) == len(loaded):
            (folder / Path(path).relative_to(DAGS)).unlink()
        elif left_out:
            name, line, column = left_out[0]
            message = f"the file loads '{name}' too, which is not selected"
            mixed.append(Diagnostic(path, line, column, "B105", message, "give it its own file"))
    if mixed:
        raise BundleError(mixed)


def _compile(folder: Path, environment: str, names: Collection[str]) -> None:
    """Keep each pipeline in compiled form, so that parsing DAG files compiles nothing."""
    copied = load_project(folder)
    for file in copied.pipelines:
        if file.model and file.model.name in names:
            plan = build_plan(copied, file.model.name, environment, file.model.some_interval())
            keep(folder, file.model.name, environment, compiled_form(copied, file, plan))


def _copy_code(root: Path, pipelines: Sequence[Pipeline], folder: Path) -> list[str]:
    """Copy the modules and whole packages of Python transforms; return their names."""
    copied = set()
    for pipeline in pipelines:
        for transform in pipeline.transforms.values():
            file = source_file(root, transform.python) if transform.python else root
            if not file.is_file():
                continue  # a module of an installed package
            top = root / file.relative_to(root).parts[0]
            copied.add(top.name)
            if top.is_dir():
                shutil.copytree(top, folder / top.name, ignore=LEFT_OUT, dirs_exist_ok=True)
            else:
                shutil.copyfile(top, folder / top.name)
    return sorted(copied)


def _write_ignored(root: Path, names: Sequence[str], version: MwaaVersion, folder: Path) -> None:
    """Write `.airflowignore`: what holds no DAG, in the syntax of the Airflow version."""
    own = root / DAGS / IGNORE
    lines = own.read_text(encoding="utf-8").splitlines() if own.is_file() else []
    if version.airflowignore == "glob":
        lines += [f"/{name}" for name in names]
    else:
        lines += [f"^{re.escape(name)}(/|$)" for name in names]
    (folder / IGNORE).write_text("\n".join(lines) + "\n", encoding="utf-8")
