"""Select pipelines and parts of them, in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl_framework.errors import ConfigError
from etl_framework.project.graph import in_order
from etl_framework.project.selectors import Facts, Meant, Selectors, both
from etl_framework.project.summary import Summary

if TYPE_CHECKING:
    from etl_framework.project.models import Pipeline
    from etl_framework.project.project import PipelineFile, Project
    from etl_framework.project.relation import Kind


@dataclass(frozen=True)
class Selected:
    """A pipeline that is selected.

    :param relations: these of its relations alone; None for the pipeline as a whole.
    """

    file: PipelineFile
    model: Pipeline
    relations: frozenset[str] | None

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.file.stem

    @property
    def names(self) -> list[str]:
        """How it is selected: `orders`, or `orders.totals` and others of its relations."""
        return names_of(self.name, self.relations)

    def has(self, relation: str) -> bool:
        """Whether a relation of the pipeline is selected."""
        return self.relations is None or relation in self.relations


def selected(
    project: Project,
    selectors: Sequence[str],
    exclude: Sequence[str] = (),
    narrowed: Sequence[str] = (),
    *,
    kinds: Sequence[Kind] = ("kpi",),
    facts: Facts = {},  # noqa: B006 - nobody changes it
) -> list[Selected]:
    """What selectors mean, each pipeline behind those that it comes after.

    :param selectors: all pipelines if none is given.
    :param narrowed: only what any of these means, too.
    :param kinds: the kinds of relations that may be selected by themselves.
    :param facts: further methods.
    :raises ConfigError: one means nothing, or pipelines wait for one another.
    """
    files = {pipeline_file.stem: pipeline_file for pipeline_file in project.pipelines}
    known = [Summary.of(pipeline_file) for pipeline_file in project.pipelines]
    found = meant(known, selectors, exclude, narrowed, kinds=kinds, facts=facts)
    return [_one(files[name], relations) for name, relations in found.items()]


def meant(
    pipelines: Sequence[Summary],
    selectors: Sequence[str],
    exclude: Sequence[str] = (),
    narrowed: Sequence[str] = (),
    *,
    kinds: Sequence[Kind] = ("kpi",),
    facts: Facts = {},  # noqa: B006 - nobody changes it
) -> Meant:
    """The names of what selectors mean, as `selected` gives it.

    :raises ConfigError: one means nothing, or pipelines wait for one another.
    """
    names = Selectors(pipelines, kinds, facts)
    chosen = names.meant(selectors) if selectors else dict.fromkeys(names.known)
    if narrowed:
        of_these = Selectors(pipelines, kinds, facts, within=chosen).meant(narrowed)
        chosen = both(chosen, of_these)
        if not chosen:
            raise ConfigError(f"nothing selected is any of '{' '.join(narrowed)}'", hint="etl ls")
    left = without(names, chosen, names.meant(exclude)) if exclude else chosen
    if len(left) > 1:
        left = {name: left[name] for name in in_order(names.known.values()) if name in left}
    return left


def names_of(name: str, relations: frozenset[str] | None) -> list[str]:
    """How a pipeline is selected: `orders`, or `orders.totals` and others of its relations."""
    return [name] if relations is None else [f"{name}.{r}" for r in sorted(relations)]


def _one(pipeline_file: PipelineFile, relations: frozenset[str] | None) -> Selected:
    if pipeline_file.model is None:
        raise ConfigError(pipeline_file.file.diagnostics)
    return Selected(pipeline_file, pipeline_file.model, relations)


def without(names: Selectors, chosen: Meant, excluded: Meant) -> Meant:
    """What is chosen and not excluded."""
    left: Meant = {}
    for name, relations in chosen.items():
        if name not in excluded:
            left[name] = relations
        elif (taken := excluded[name]) is not None:
            all_of_it = frozenset(names.relations_of(name))
            if rest := (all_of_it if relations is None else relations) - taken:
                left[name] = rest
    return left
