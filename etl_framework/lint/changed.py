"""The files that a change touches, and others of the same pipelines."""

from __future__ import annotations

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import files_of
from etl_framework.project.git import changed_since
from etl_framework.project.project import ENVIRONMENTS, PIPELINES, Project

# Findings about several files, which may stand in one that has not changed.
ACROSS = ("E306", "E307", "E501", "E502", "E503", "W501")


def of_change(project: Project, revision: str, problems: list[Diagnostic]) -> list[Diagnostic]:
    """Those of the problems that a change since a revision of git may have made.

    :raises ConfigError: git does not know the revision, or the folder is in no repository.
    """
    changed = changed_files(project, revision)
    across = ACROSS if any(path.startswith((f"{PIPELINES}/", "dags/")) for path in changed) else ()
    return [each for each in problems if each.path in changed or each.code in across]


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
