"""The compiled form of a pipeline, kept in a file as long as what it was made of is the same."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework import __version__
from etl_framework.errors import ConfigError

if TYPE_CHECKING:
    from etl_framework.config.project import PipelineFile, Project
    from etl_framework.plan import Plan

FOLDER = ".etl/compiled"
SECONDS = 25  # Airflow gives a file thirty


class CompileError(ConfigError):
    """The pipeline's files are wrong; says every problem with file, line, column and hint."""

    def __str__(self) -> str:
        return self.diagnostics[0].message


def compiled(root: Path, pipeline: str, environment: str | None) -> dict[str, Any]:
    """dag-factory's configuration of a pipeline.

    It is made in a process of its own, so that this one imports nothing for it.

    :param environment: the file's default if not given.
    :raises CompileError: the pipeline's files are wrong.
    """
    found = _kept(root, pipeline, environment)
    if found is None:
        command = [
            sys.executable,
            "-m",
            "etl_framework",
            "compile",
            pipeline,
            "--keep",
            "--project",
            str(root),
        ]
        command += ["--env", environment] if environment else []
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise CompileError(f"{pipeline} was not compiled in {SECONDS} s") from None
        if done.returncode:
            raise CompileError(done.stderr.strip() or f"{pipeline} could not be compiled")
        found = json.loads(done.stdout)
    config: dict[str, Any] = found["config"]
    return config


def compiled_form(project: Project, found: PipelineFile, plan: Plan) -> dict[str, Any]:
    """What is kept of a pipeline: dag-factory's configuration, and what it was made of."""
    from etl_framework.compiling import dag_factory_config, files_of

    files = {name: digest(project.root / name) for name in files_of(project, found)}
    config = dag_factory_config(project, plan)
    return {"version": __version__, "files": files, "config": config}


def keep(root: Path, pipeline: str, environment: str | None, kept: dict[str, Any]) -> None:
    """Keep a compiled form, if the folder lets us."""
    file = _file(root, pipeline, environment)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(file)
    except OSError:
        return


def digest(file: Path) -> str:
    """What tells a file's contents from others; empty when it is not there."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _kept(root: Path, pipeline: str, environment: str | None) -> dict[str, Any] | None:
    try:
        text = _file(root, pipeline, environment).read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        found: dict[str, Any] = json.loads(text)
        same = found["version"] == __version__ and all(
            digest(root / name) == was for name, was in found["files"].items()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return found if same else None


def _file(root: Path, pipeline: str, environment: str | None) -> Path:
    return root / FOLDER / f"{pipeline}.{environment or 'default'}.json"
