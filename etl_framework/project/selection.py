"""Which pipelines are meant: names, `tag:`, `owner:`, `path:`, and `+` for those around them.

    orders              the pipeline
    tag:daily           all that have the tag
    owner:shop          all of an owner
    path:pipelines/shop all below a folder
    +orders orders+     with all that it comes after, with all that come after it
    2+orders            no further than two pipelines before it
    tag:daily,owner:shop   those of both

Several of them mean all pipelines that any means. `@orders` is `orders+`, with all that these come
after. The grammar is that of dbt ("Node selection syntax").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.sources.postgres.source import PostgresSource

_FORM = re.compile(r"^(?P<at>@)?(?P<before>\d*\+)?(?P<what>[^+@]+?)(?P<after>\+\d*)?$")
Graph = Mapping[str, set[str]]


def selected(
    project: Project, selectors: Sequence[str], exclude: Sequence[str] = ()
) -> list[Pipeline]:
    """The pipelines that selectors mean, each behind those that it comes after.

    :param selectors: all pipelines if none is given.
    :raises ConfigError: one means no pipeline, or pipelines wait for one another.
    """
    ordered = in_order(project)
    before = upstream(project.models)
    names = _union(project, selectors, before) if selectors else {m.name for m in ordered}
    names -= _union(project, exclude, before)
    return [model for model in ordered if model.name in names]


def upstream(models: Sequence[Pipeline]) -> dict[str, set[str]]:
    """For each pipeline those whose results it waits for, or whose tables it reads."""
    written = {
        (kpi.target.connection, kpi.target.table.lower()): model.name
        for model in models
        for kpi in model.kpis.values()
    }
    found: dict[str, set[str]] = {}
    for model in models:
        waits = {kpi.partition(".")[0] for kpi in model.after}
        reads = {
            written.get((source.connection, source.table.lower()), model.name)
            for source in model.sources.values()
            if isinstance(source, PostgresSource)
        }
        found[model.name] = (waits | reads) - {model.name}
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


def _union(project: Project, selectors: Iterable[str], before: Graph) -> set[str]:
    found = set[str]()
    for selector in selectors:
        parts = [_one(project, part, before) for part in selector.split(",")]
        both = set.intersection(*parts)
        if not both:
            raise ConfigError(f"no pipeline is all of '{selector}'", hint="etl ls")
        found |= both
    return found


def _one(project: Project, selector: str, before: Graph) -> set[str]:
    """The pipelines that a selector without `,` means.

    :raises ConfigError: it means none.
    """
    form = _FORM.match(selector)
    if not form:
        raise ConfigError(f"'{selector}' is no selector", hint="etl ls --help")
    names = _meant(project, form["what"])
    behind = {name: {n for n, needs in before.items() if name in needs} for name in before}
    found = set(names)
    if form["at"]:
        found |= _around(names, behind, None)
        return found | _around(found, before, None)
    if form["before"]:
        found |= _around(names, before, _steps(form["before"]))
    if form["after"]:
        found |= _around(names, behind, _steps(form["after"]))
    return found


def _steps(written: str) -> int | None:
    number = written.strip("+")
    return int(number) if number else None


def _around(names: Iterable[str], graph: Graph, steps: int | None) -> set[str]:
    """Those that a number of steps lead to; any number if None."""
    found, last = set[str](), set(names)
    while last and steps != 0:
        last = {other for name in last for other in graph.get(name, ())} - found
        found |= last
        steps = steps - 1 if steps else None
    return found & graph.keys()


def _meant(project: Project, what: str) -> set[str]:
    """The pipelines of a name, a tag, an owner or a path.

    :raises ConfigError: there is none.
    """
    files = [(f.model, f.file.path) for f in project.pipelines if f.model]
    method, colon, value = what.partition(":")
    if not colon:
        found = {model.name for model, _ in files if fnmatchcase(model.name, what)}
        known = [model.name for model, _ in files]
        return _some(found, f"there is no pipeline '{what}'", what, known)
    methods: dict[str, Callable[[Pipeline, str], list[str]]] = {
        "tag": lambda model, path: model.tags,
        "owner": lambda model, path: [model.owner],
        "path": lambda model, path: _folders(path),
    }
    if method not in methods:
        hint = did_you_mean(method, methods)
        raise ConfigError(f"'{method}:' is no way to select pipelines", hint=hint)
    value = value.rstrip("/") if method == "path" else value
    have = {model.name: methods[method](model, path) for model, path in files}
    found = {name for name, values in have.items() if any(fnmatchcase(v, value) for v in values)}
    known = sorted({v for values in have.values() for v in values if v})
    return _some(found, f"no pipeline has the {method} '{value}'", value, known)


def _folders(path: str) -> list[str]:
    """The path of a file, and those of the folders around it."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _some(found: set[str], problem: str, value: str, known: Iterable[str]) -> set[str]:
    if not found:
        raise ConfigError(problem, hint=did_you_mean(value, known))
    return found
