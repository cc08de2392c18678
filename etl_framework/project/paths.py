"""The names and places of a project's files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from etl_framework.errors import ConfigError

PIPELINES = "pipelines"
TEMPLATES = "sql_templates"
PIPELINE_TEMPLATES = "pipeline_templates"
ENVIRONMENTS = "environments.yml"
# What a team has agreed on about its pipelines; a project need not have it.
POLICIES = "policies.yml"
# In `pipelines/` and the folders below it: what pipelines there have in common.
DEFAULTS = "defaults.yml"
ASIDE = ("/defaults.yml", "/defaults.yaml")
# How the names of pipelines' files end, and those of texts that may lie beside them.
KINDS = (".yml", ".yaml")
TEXTS = (".md", ".txt", ".rst")


def pipeline_paths(root: Path) -> list[str]:
    """The paths of the pipelines' files, relative to the project's folder, sorted.

    They lie in `pipelines/` and in the folders below it.

    :raises ConfigError: the folder is not a project.
    """
    folder = root / PIPELINES
    if not folder.is_dir():
        raise ConfigError(
            f"{root} is not a project: it has no folder '{PIPELINES}'",
            hint="go to the project's folder, or name it with --project",
        )
    found = _below(f"{root}", PIPELINES)
    return sorted(path for path in found if path.endswith(KINDS) and not path.endswith(ASIDE))


def strange_paths(root: Path) -> list[str]:
    """The paths of files in `pipelines/` that are neither pipelines nor texts about them.

    Defaults of a folder without pipelines are among them.
    """
    folders = {path[: at + 1] for path in pipeline_paths(root) for at in _slashes(path)}
    return sorted(
        path
        for path in _below(f"{root}", PIPELINES)
        if (path.endswith(ASIDE) and not _gives_defaults(path, folders))
        or not path.endswith((*KINDS, *TEXTS))
    )


def _slashes(path: str) -> Iterator[int]:
    return (at for at, letter in enumerate(path) if letter == "/")


def _gives_defaults(path: str, folders: Collection[str]) -> bool:
    folder, slash, name = path.rpartition("/")
    return name == DEFAULTS and folder + slash in folders


def _below(root: str, folder: str) -> Iterator[str]:
    """The paths of the files in a folder and below it; links to folders are not followed."""
    with os.scandir(f"{root}/{folder}") as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__pycache__":
                continue
            path = f"{folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _below(root, path)
            else:
                yield path


def read_inside(root: Path, path: str) -> bytes | None:
    """A file's content; None when it is not there, or leads out of the project's folder.

    :param root: without links in it.
    """
    try:  # of thousands of files: a Path for each is slow
        full = _followed(f"{root}", path)
        if not full.startswith(f"{root}/") or not stat.S_ISREG(os.stat(full).st_mode):  # noqa: PTH116
            return None
        with open(full, "rb") as file:  # noqa: PTH123
            return file.read()
    except (OSError, ValueError):
        return None


def _followed(root: str, path: str) -> str:
    """Where a path below the root leads; links are rare, and above the root there are none."""
    full = root
    for part in path.split("/"):
        full = f"{full}/{part}"
        if part in ("", ".", "..") or stat.S_ISLNK(os.lstat(full).st_mode):
            return os.path.realpath(f"{root}/{path}")
    return full


def digest(content: bytes | None) -> str:
    """What tells a content from others; empty when there is none."""
    return "" if content is None else hashlib.sha256(content).hexdigest()
