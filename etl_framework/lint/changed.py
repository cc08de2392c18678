"""The files that a change touches, together with the other files of their pipelines."""

from __future__ import annotations

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import files_of
from etl_framework.project.git import changed_since
from etl_framework.project.paths import POLICIES
from etl_framework.project.project import ENVIRONMENTS, PIPELINES, Project

# Findings about several files, which may stand in one that has not changed.
ACROSS = ("E306", "E307", "E501", "E502", "E503", "W501")
# How the codes of policies begin: a changed policy is broken by files that have not changed.
POLICY = "P"


def problems_of_change(
    project: Project, revision: str, problems: list[Diagnostic]
) -> list[Diagnostic]:
    """Return the problems that a change since a revision of git may have caused.

    :raises ConfigError: git does not know the revision, or the folder is in no repository.
    """
    changed = changed_files(project, revision)
    across = ACROSS if any(path.startswith((f"{PIPELINES}/", "dags/")) for path in changed) else ()
    prefixes = (*across, *((POLICY,) if POLICIES in changed else ()))
    return [p for p in problems if p.path in changed or p.code.startswith(prefixes)]


def changed_files(project: Project, revision: str) -> set[str]:
    """Return the files below the project's folder that differ from a revision of git.

    If a template has changed, all files of its pipeline count as changed. If the environments have
    changed, the files of every pipeline do.

    :raises ConfigError: git does not know the revision, or the folder is in no repository.
    """
    changed = changed_since(project.root, revision)
    files = [files_of(pipeline_file) for pipeline_file in project.pipelines]
    concerned = [mine for mine in files if changed & mine or ENVIRONMENTS in changed]
    return changed.union(*concerned)
