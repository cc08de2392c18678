"""Which pipelines selectors mean, in the order in which they run. `choice` has the grammar."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.errors import ConfigError
from etl_framework.project.choice import Candidate, Choice, candidate, upstream_of
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project


def candidates(project: Project) -> list[Candidate]:
    """Return what selectors look at of every pipeline that could be read."""
    return [candidate(f.model, f.file.path) for f in project.pipelines if f.model]


def selected(
    project: Project, selectors: Sequence[str], exclude: Sequence[str] = ()
) -> list[Pipeline]:
    """The pipelines that selectors mean, each behind those that it comes after.

    :param selectors: all pipelines if none is given.
    :raises ConfigError: one means no pipeline, or pipelines wait for one another.
    """
    ordered = in_order(project)
    choice = Choice(candidates(project))
    names = choice.any_of(selectors) if selectors else {model.name for model in ordered}
    names -= choice.any_of(exclude)
    return [model for model in ordered if model.name in names]


def upstream(models: Sequence[Pipeline]) -> dict[str, set[str]]:
    """For each pipeline those whose results it waits for, or whose tables it reads."""
    return upstream_of([candidate(model) for model in models])


def in_order(project: Project) -> list[Pipeline]:
    """All pipelines, each behind those that it comes after, else by their names.

    :raises ConfigError: pipelines wait for one another.
    """
    waiting = {model.name: model for model in sorted(project.models, key=lambda m: m.name)}
    before, ordered = upstream(project.models), list[Pipeline]()
    while waiting:
        ready = [name for name in waiting if not before[name] & waiting.keys()]
        if not ready:
            names = ", ".join(f"'{name}'" for name in waiting)
            raise ConfigError(f"pipelines wait for one another: {names}", hint="see their `after`")
        ordered += [waiting.pop(name) for name in ready]
    return ordered
