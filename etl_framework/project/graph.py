"""Which pipelines wait for others, and the order that comes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from etl_framework.errors import ConfigError
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.sources.postgres.source import PostgresSource

Graph = Mapping[str, Collection[str]]


def upstream(models: Sequence[Pipeline]) -> dict[str, set[str]]:
    """For each pipeline those whose results it waits for, or whose tables it reads."""
    return {
        name: {kpi.partition(".")[0] for kpi in kpis} for name, kpis in needed_kpis(models).items()
    }


def needed_kpis(models: Sequence[Pipeline]) -> dict[str, set[str]]:
    """For each pipeline the KPIs of others that it waits for, or whose tables it reads.

    Those are written `pipeline.kpi`.
    """
    written = {
        (kpi.target.connection, kpi.target.table.lower()): f"{model.name}.{name}"
        for model in models
        for name, kpi in model.kpis.items()
    }
    found: dict[str, set[str]] = {}
    for model in models:
        reads = {
            written.get((source.connection, source.table.lower()), "")
            for source in model.sources.values()
            if isinstance(source, PostgresSource)
        }
        others = {*model.after, *reads} - {""}
        found[model.name] = {kpi for kpi in others if kpi.partition(".")[0] != model.name}
    return found


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


def reversed_graph(graph: Graph) -> dict[str, set[str]]:
    """The graph with every arrow turned round."""
    turned: dict[str, set[str]] = {name: set() for name in graph}
    for name, others in graph.items():
        for other in others:
            turned.setdefault(other, set()).add(name)
    return turned


def around(names: Iterable[str], graph: Graph, steps: int | None) -> set[str]:
    """What a number of steps from some names leads to; any number if it is None."""
    found, last = set[str](), set(names)
    while last and steps != 0:
        last = {other for name in last for other in graph.get(name, ())} - found
        found |= last
        steps = steps - 1 if steps else None
    return found & graph.keys()
