"""Keep the compiled form of a pipeline in a file, for as long as its source files stay the same."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework import __version__
from etl_framework.errors import ConfigError
from etl_framework.storage.seal import sealed, unsealed

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.project.project import PipelineFile, Project

FOLDER = ".etl/compiled"
SECONDS = 25  # Airflow gives a file thirty


class CompileError(ConfigError):
    """The pipeline's files are wrong; the message tells every problem with its place and hint."""

    def __str__(self) -> str:
        return self.diagnostics[0].message


def compiled(root: Path, pipeline: str, environment: str | None) -> dict[str, Any]:
    """The configuration of a pipeline for dag-factory.

    Unless it is kept in a file, another process makes it, so that this one has less to import.

    :param environment: if not given, the default in `environments.yml`.
    :raises CompileError: the pipeline's files are wrong.
    """
    ((_, config),) = all_compiled(root, [pipeline], environment).items()
    if isinstance(config, str):
        raise CompileError(config)
    return config


def all_compiled(
    root: Path, pipelines: Sequence[str], environment: str | None
) -> dict[str, dict[str, Any] | str]:
    """The configuration of each of some pipelines; a text that tells what is wrong with its files.

    :raises CompileError: they take too long, or none of them can be read.
    """
    kept = {name: _kept(root, name, environment) for name in pipelines}
    made = {name: form["config"] for name, form in kept.items() if form}
    missing = [name for name in pipelines if name not in made]
    for form in _made(root, missing, environment) if missing else ():
        made[form.get("pipeline", missing[0])] = form.get("error") or form["config"]
    return {name: made.get(name, f"there is no pipeline '{name}'") for name in pipelines}


def _made(root: Path, pipelines: Sequence[str], environment: str | None) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "etl_framework", "compile", *pipelines, "--keep"]
    command += ["--project", str(root), *(["--env", environment] if environment else [])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        named = ", ".join(pipelines)
        raise CompileError(f"{named} was not compiled in {SECONDS} s") from None
    if done.returncode:
        raise CompileError(done.stderr.strip() or f"{pipelines[0]} could not be compiled")
    return [json.loads(line) for line in done.stdout.splitlines()]


def compiled_form(project: Project, pipeline_file: PipelineFile, plan: Plan) -> dict[str, Any]:
    """The compiled form of a pipeline: its dag-factory configuration, and digests of its files."""
    from etl_framework.airflow.dag_config import dag_factory_config, files_of

    files = {name: digest(project.root / name) for name in files_of(project, pipeline_file)}
    config = dag_factory_config(project, plan)
    return {"version": __version__, "files": files, "config": config}


def keep(root: Path, pipeline: str, environment: str | None, kept: dict[str, Any]) -> None:
    """Write a compiled form to its file; do nothing if the folder cannot be written to."""
    file = _file(root, pipeline, environment)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_bytes(sealed(kept))
        draft.replace(file)
    except OSError:
        return


def digest(file: Path) -> str:
    """A hash of a file's contents; empty if the file cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _kept(root: Path, pipeline: str, environment: str | None) -> dict[str, Any] | None:
    try:
        data = _file(root, pipeline, environment).read_bytes()
    except OSError:
        return None
    try:
        form: dict[str, Any] = unsealed(data)
        same = form["version"] == __version__ and all(
            digest(root / name) == was for name, was in form["files"].items()
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return form if same else None


def _file(root: Path, pipeline: str, environment: str | None) -> Path:
    return root / FOLDER / f"{pipeline}.{environment or 'default'}.json"
