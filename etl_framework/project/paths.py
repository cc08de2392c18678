"""The names and places of a project's files."""

from __future__ import annotations

from pathlib import Path

from etl_framework.errors import ConfigError

PIPELINES = "pipelines"
TEMPLATES = "sql_templates"
ENVIRONMENTS = "environments.yml"


def pipeline_paths(root: Path) -> list[str]:
    """The paths of the pipelines' files, relative to the project's folder, sorted.

    :raises ConfigError: the folder is not a project.
    """
    folder = root / PIPELINES
    if not folder.is_dir():
        raise ConfigError(
            f"{root} is not a project: it has no folder '{PIPELINES}'",
            hint="go to the project's folder, or name it with --project",
        )
    paths = [*folder.glob("*.yml"), *folder.glob("*.yaml")]
    return sorted(f"{PIPELINES}/{path.name}" for path in paths)
