"""Notice when the files of a project are saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from etl_framework.project.paths import POLICIES

PARTS = (
    "pipelines",
    "pipeline_templates",
    "sql_templates",
    "dags",
    "environments.yml",
    POLICIES,
    "setup.cfg",
    "pyproject.toml",
)
FUNCTIONS = ("*.py", "[!.]*/*.py")
# Between two looks.
SECONDS = 0.2


def saved(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the files of a project with the times when they were saved."""
    files = [file for pattern in FUNCTIONS for file in root.glob(pattern)]
    for part in PARTS:
        path = root / part
        files += [path] if path.is_file() else path.rglob("*")
    for file in files:
        try:
            yield file, file.stat().st_mtime_ns
        except OSError:  # gone in between
            continue
