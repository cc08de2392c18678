"""The files that a change touches, and others of the same pipelines."""

from __future__ import annotations

from etl_framework.config.project import ENVIRONMENTS, Project
from etl_framework.lint.base import files_of
from etl_framework.revision import changed_since


def changed_files(project: Project, revision: str) -> set[str]:
    """Files below the project's folder that differ from a revision of git.

    A pipeline whose template has changed is changed as a whole, and so is every pipeline when the
    environments have.

    :raises ConfigError: git does not know the revision, or the folder is in no repository.
    """
    changed = changed_since(project.root, revision)
    for found in project.pipelines:
        mine = files_of(found)
        if changed & mine or ENVIRONMENTS in changed:
            changed |= mine
    return changed
