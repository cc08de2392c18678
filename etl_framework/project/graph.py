"""Which pipelines wait for others, and the order that comes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from etl_framework.errors import ConfigError
from etl_framework.project.summary import Summary

Graph = Mapping[str, Collection[str]]


def upstream(pipelines: Iterable[Summary]) -> dict[str, set[str]]:
    """For each pipeline those whose results it waits for, or whose tables it reads."""
    return {
        name: {kpi.partition(".")[0] for kpi in kpis}
        for name, kpis in needed_kpis(pipelines).items()
    }


def needed_kpis(pipelines: Iterable[Summary]) -> dict[str, set[str]]:
    """For each pipeline the KPIs of others that it waits for, or whose tables it reads.

    Those are written `pipeline.kpi`.
    """
    known = list(pipelines)
    written = {
        (connection, table.lower()): f"{pipeline.name}.{kpi}"
        for pipeline in known
        for kpi, (connection, table) in pipeline.kpis.items()
    }
    found: dict[str, set[str]] = {}
    for pipeline in known:
        reads = {
            written.get((connection, table.lower()), "")
            for connection, table in pipeline.sources.values()
            if table
        }
        others = {*pipeline.after, *reads} - {""}
        found[pipeline.name] = {kpi for kpi in others if kpi.partition(".")[0] != pipeline.name}
    return found


def in_order(pipelines: Iterable[Summary]) -> list[str]:
    """The names of pipelines, each behind those that it comes after, else sorted.

    :raises ConfigError: pipelines wait for one another.
    """
    known = sorted(pipelines, key=lambda pipeline: pipeline.name)
    before, waiting, ordered = upstream(known), [p.name for p in known], list[str]()
    left = set(waiting)
    while waiting:
        ready = [name for name in waiting if not before[name] & left]
        if not ready:
            names = ", ".join(f"'{name}'" for name in waiting)
            raise ConfigError(f"pipelines wait for one another: {names}", hint="see their `after`")
        ordered += ready
        left -= set(ready)
        waiting = [name for name in waiting if name in left]
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
