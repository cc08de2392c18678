"""Fix problems that lint finds, where the fix is certain, and report what was changed."""

from __future__ import annotations

from dataclasses import replace

from etl_framework.authoring.scaffold import new_dag
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked
from etl_framework.lint.edits import Edit, apply_edits
from etl_framework.lint.fixes import edits_of
from etl_framework.lint.guards import guards
from etl_framework.project.project import Project


def fix(project: Project, problems: list[Diagnostic]) -> list[Diagnostic]:
    """Fix those problems that can be fixed; return them, with what was done as their hint.

    Comments, order and line ends of the files stay. Fixing the remaining problems, or fixing again,
    changes nothing.
    """
    edits: dict[Edit, Diagnostic] = {}
    for problem, edit in [*edits_of(project, problems), *guards(_checked(project), problems)]:
        edits.setdefault(edit, problem)
    done = apply_edits(project.root, edits)
    mended = [replace(edits[edit], hint=edit.what) for edit in done]
    for problem in problems:
        if problem.code == "W501":
            (path,) = new_dag(project, problem.hint.rpartition(" ")[2])
            mended.append(replace(problem, hint=f"wrote {path}"))
    return sorted(mended)


def _checked(project: Project) -> list[Checked]:
    return [
        Checked(project, pipeline, pipeline.model, pipeline.model.some_interval())
        for pipeline in project.pipelines
        if pipeline.model
    ]
