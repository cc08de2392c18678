"""The files that a change touches, as git sees them, and others of the same pipelines."""

from __future__ import annotations

import subprocess
from pathlib import Path

from etl_framework.config.project import ENVIRONMENTS, Project
from etl_framework.errors import ConfigError
from etl_framework.lint.base import files_of


def changed_files(project: Project, revision: str) -> set[str]:
    """Files below the project's folder that differ from a revision, new ones included.

    A pipeline whose template has changed is changed as a whole, and so is every pipeline when the
    environments have.

    :raises ConfigError: git does not know the revision, or the folder is in no repository.
    """
    if revision.startswith("-"):
        raise ConfigError(f"'{revision}' is not a revision")
    differing = _git(project.root, "diff", "--name-only", "-z", "--relative", revision, "--", ".")
    new = _git(project.root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    changed = {path for path in f"{differing}\0{new}".split("\0") if path}
    for found in project.pipelines:
        mine = files_of(found)
        if changed & mine or ENVIRONMENTS in changed:
            changed |= mine
    return changed


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ConfigError("git is not installed, or not on the PATH") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it failed"])[0]
        raise ConfigError(f"git {arguments[0]}: {said}", hint="give a revision that git knows")
    return done.stdout
