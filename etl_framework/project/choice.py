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
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.project.models import Pipeline
from etl_framework.sources.postgres.source import PostgresSource

_FORM = re.compile(r"^(?P<at>@)?(?P<before>\d*\+)?(?P<what>[^+@]+?)(?P<after>\+\d*)?$")
Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Candidate:
    """What selectors look at of a pipeline.

    :param waits: the pipelines whose results it waits for.
    :param reads: the tables that it reads, each behind its connection: `rds shop.orders`.
    :param writes: the tables that it writes, likewise.
    """

    name: str
    path: str
    owner: str = ""
    tags: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


def candidate(model: Pipeline, path: str = "") -> Candidate:
    """Return what selectors look at of a pipeline.

    :param path: the path of its file.
    """
    read = [s for s in model.sources.values() if isinstance(s, PostgresSource)]
    targets = [kpi.target for kpi in model.kpis.values()]
    return Candidate(
        model.name,
        path,
        model.owner,
        tuple(model.tags),
        tuple(kpi.partition(".")[0] for kpi in model.after),
        tuple(f"{source.connection} {source.table.lower()}" for source in read),
        tuple(f"{target.connection} {target.table.lower()}" for target in targets),
    )


def upstream_of(known: Sequence[Candidate]) -> dict[str, set[str]]:
    """For each pipeline those whose results it waits for, or whose tables it reads."""
    written = {table: one.name for one in known for table in one.writes}
    return {
        one.name: {*one.waits, *(written.get(table, one.name) for table in one.reads)} - {one.name}
        for one in known
    }


class Choice:
    """The pipelines that selectors choose from."""

    def __init__(self, known: Sequence[Candidate]) -> None:
        self.known = known

    @cached_property
    def names(self) -> set[str]:
        """The names of all pipelines."""
        return {one.name for one in self.known}

    @cached_property
    def _before(self) -> Graph:
        return upstream_of(self.known)

    @cached_property
    def _behind(self) -> Graph:
        behind: dict[str, set[str]] = {name: set() for name in self._before}
        for name, needs in self._before.items():
            for need in needs:
                behind.get(need, set()).add(name)
        return behind

    def any_of(self, selectors: Iterable[str]) -> set[str]:
        """Return the names of the pipelines that any of the selectors means.

        :raises ConfigError: one means no pipeline.
        """
        return {name for selector in selectors for name in self.meant(selector)}

    def meant(self, selector: str) -> set[str]:
        """Return the names of the pipelines that a selector means.

        :raises ConfigError: it means none, or is no selector.
        """
        both = set.intersection(*map(self._one, selector.split(",")))
        if not both:
            raise ConfigError(f"no pipeline is all of '{selector}'", hint="etl ls")
        return both

    def _one(self, selector: str) -> set[str]:
        """The pipelines that a selector without `,` means.

        :raises ConfigError: it means none.
        """
        form = _FORM.match(selector)
        if not form:
            raise ConfigError(f"'{selector}' is no selector", hint="etl ls --help")
        names = self._plain(form["what"])
        found = set(names)
        if form["at"]:
            found |= _around(names, self._behind, None)
            return found | _around(found, self._before, None)
        if form["before"]:
            found |= _around(names, self._before, _steps(form["before"]))
        if form["after"]:
            found |= _around(names, self._behind, _steps(form["after"]))
        return found

    def _plain(self, what: str) -> set[str]:
        """The pipelines of a name, a tag, an owner or a path.

        :raises ConfigError: there is none.
        """
        method, colon, value = what.partition(":")
        if not colon:
            found = {name for name in self.names if fnmatchcase(name, what)}
            return _some(found, f"there is no pipeline '{what}'", what, self.names)
        if method not in _METHODS:
            hint = did_you_mean(method, _METHODS)
            raise ConfigError(f"'{method}:' is no way to select pipelines", hint=hint)
        value = value.rstrip("/") if method == "path" else value
        have = [(one.name, _METHODS[method](one)) for one in self.known]
        found = {name for name, words in have if any(fnmatchcase(w, value) for w in words)}
        words = {word for _, words in have for word in words if word}
        return _some(found, f"no pipeline has the {method} '{value}'", value, words)


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


def _folders(path: str) -> list[str]:
    """The path of a file, and those of the folders around it."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _some(found: set[str], problem: str, value: str, known: Iterable[str]) -> set[str]:
    if not found:
        raise ConfigError(problem, hint=did_you_mean(value, known))
    return found


_METHODS: Mapping[str, Callable[[Candidate], Sequence[str]]] = {
    "tag": lambda one: one.tags,
    "owner": lambda one: [one.owner],
    "path": lambda one: _folders(one.path),
}
