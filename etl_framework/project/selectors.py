"""What is meant of a project: names, `tag:`, `owner:`, and `+` for what is around them.

    orders              the pipeline
    orders.totals       one of its KPIs; `totals` where no other pipeline has one of the name
    tag:daily           all pipelines that have the tag
    owner:shop          all of an owner
    path:pipelines/shop all below a folder
    source:clicks       all that have a source of the name, or from the connection or table
    state:modified      all that have changed since a revision of git; `state:new`
    result:failed       all whose latest data interval stands so, in the words of `etl status`
    +orders orders+     with all that it comes after, with all that come after it
    2+orders            no further than two pipelines before it
    tag:daily,owner:shop   those of both

Several of them mean all that any means. `@orders` is `orders+`, with all that these come after. The
grammar is that of dbt ("Node selection syntax").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.project.graph import around, needed_kpis, reversed_graph, upstream
from etl_framework.project.models import Pipeline
from etl_framework.project.project import PipelineFile, Project
from etl_framework.project.relation import Kind, Relation

_FORM = re.compile(r"^(?P<at>@)?(?P<before>\d*\+)?(?P<what>[^+@]+?)(?P<after>\+\d*)?$")
# The relations that are meant of each pipeline; None for the pipeline as a whole.
Meant = dict[str, frozenset[str] | None]
# Words by which each pipeline is found.
Words = Mapping[str, Collection[str]]
# What is known of pipelines besides their files, by method.
Facts = Mapping[str, Callable[[], Words]]


def is_name(selector: str) -> bool:
    """Whether a selector is the plain name of one thing."""
    return re.fullmatch(r"\w+(\.\w+)?", selector) is not None


class Selectors:
    """Everything that selectors can name."""

    def __init__(
        self,
        project: Project,
        kinds: Sequence[Kind],
        facts: Facts,
        within: Collection[str] | None = None,
    ) -> None:
        """Of a project; the plain name of a relation means one `within` some pipelines."""
        self.files = {file.stem: file for file in project.pipelines if file.model}
        self._project = project
        self._kinds = kinds
        self._within = self.files if within is None else within
        self._facts = facts
        self._before = upstream(project.models)

    def relations_of(self, pipeline: str) -> Iterator[Relation]:
        """The relations of a pipeline that can be selected by themselves."""
        found = self.files[pipeline].relations.values()
        return (relation for relation in found if relation.kind in self._kinds)

    def meant(self, selectors: Iterable[str]) -> Meant:
        """What any of some selectors means.

        :raises ConfigError: one means nothing.
        """
        found: Meant = {}
        for selector in selectors:
            first, *others = (self._part(part) for part in selector.split(","))
            for other in others:
                first = both(first, other)
            if not first:
                raise ConfigError(f"no pipeline is all of '{selector}'", hint="etl ls")
            found = _any(found, first)
        return found

    def _part(self, selector: str) -> Meant:
        """What a selector without `,` means.

        :raises ConfigError: it means nothing.
        """
        form = _FORM.match(selector)
        if not form:
            raise ConfigError(f"'{selector}' is no selector", hint="etl ls --help")
        meant = self._method(form["what"])
        pipelines = set[str]()
        if form["at"]:
            pipelines = self._behind(meant, None)
            pipelines |= around({*meant, *pipelines}, self._before, None)
        if form["before"]:
            pipelines |= around(meant, self._before, _steps(form["before"]))
        if form["after"]:
            pipelines |= self._behind(meant, _steps(form["after"]))
        return _any(meant, dict.fromkeys(pipelines - meant.keys()))

    def _behind(self, meant: Meant, steps: int | None) -> set[str]:
        """The pipelines that come after what is meant: after a KPI, those that need that one."""
        if steps == 0:
            return set()
        needed = needed_kpis(self._project.models)
        first = {
            name
            for name, kpis in needed.items()
            for pipeline, _, kpi in (full.partition(".") for full in kpis)
            if pipeline in meant and kpi in (meant[pipeline] or {kpi})
        }
        behind = reversed_graph(self._before)
        return first | around(first, behind, None if steps is None else steps - 1)

    def _method(self, what: str) -> Meant:
        method, colon, value = what.partition(":")
        if not colon:
            return self._named(what)
        methods = self._methods()
        if method not in methods:
            hint = did_you_mean(method, methods)
            raise ConfigError(f"'{method}:' is no way to select pipelines", hint=hint)
        value = value.rstrip("/") if method == "path" else value
        words = methods[method]()
        found = [n for n, known in words.items() if any(fnmatchcase(w, value) for w in known)]
        if not found:
            known = sorted({word for words_of in words.values() for word in words_of if word})
            message = f"no pipeline has the {method} '{value}'"
            raise ConfigError(message, hint=did_you_mean(value, known))
        return dict.fromkeys(found)

    def _methods(self) -> Facts:
        def words(of: Callable[[PipelineFile, Pipeline], Collection[str]]) -> Callable[[], Words]:
            return lambda: {n: of(f, f.model) for n, f in self.files.items() if f.model}

        return {
            "tag": words(lambda file, model: model.tags),
            "owner": words(lambda file, model: [model.owner]),
            "path": words(lambda file, model: _folders(file.file.path)),
            "source": words(lambda file, model: _sources(model)),
            **self._facts,
        }

    def _named(self, what: str) -> Meant:
        """The pipelines of a name, else the relations.

        :raises ConfigError: there is none, or it is in several pipelines.
        """
        stems = {f.model.name: n for n, f in self.files.items() if f.model} | {
            name: name for name in self.files
        }
        if found := [stem for name, stem in stems.items() if fnmatchcase(name, what)]:
            return dict.fromkeys(found)
        pipeline, _, relation = what.rpartition(".")
        candidates = [(name, r) for name in self._within for r in self.relations_of(name)]
        if is_name(what):
            for file in self._project.pipelines:
                if file.model is None and (pipeline or what) == file.stem:
                    raise ConfigError(file.file.diagnostics)
            if not pipeline or pipeline in self.files:
                of = [(n, r) for n, r in candidates if pipeline in ("", n)]
                return self._relation(what, pipeline, relation, of)
        meant: Meant = {}
        for name, r in candidates:
            if fnmatchcase(f"{name}.{r.name}", what):
                meant[name] = frozenset({r.name, *(meant.get(name) or ())})
        if not meant:
            hint = did_you_mean(pipeline or what, self.files)
            raise ConfigError(f"there is no pipeline '{pipeline or what}'", hint=hint)
        return meant

    def _relation(
        self, what: str, pipeline: str, name: str, candidates: Sequence[tuple[str, Relation]]
    ) -> Meant:
        fitting = [(n, r) for n, r in candidates if r.name == name]
        fitting = fitting or [(n, r) for n, r in candidates if name in r.names]
        if len(fitting) > 1:
            names = " or ".join(sorted(f"{n}.{r.name}" for n, r in fitting))
            raise ConfigError(f"'{what}' is in several pipelines", hint=f"write {names}")
        if not fitting:
            kinds = " or ".join("KPI" if kind == "kpi" else kind for kind in self._kinds)
            known = [r.name for _, r in candidates]
            said = f"'{pipeline}' has no {kinds} '{name}'"
            if not pipeline:
                one = f"pipeline or {kinds}" if kinds else "pipeline"
                said, known = f"there is no {one} '{what}'", [*self.files, *known]
            raise ConfigError(said, hint=did_you_mean(name, known))
        ((found, relation),) = fitting
        return {found: frozenset({relation.name})}


def _any(one: Meant, other: Meant) -> Meant:
    """What either of two means."""
    found = dict(one)
    for name, relations in other.items():
        before = found.get(name, frozenset())
        found[name] = None if before is None or relations is None else before | relations
    return found


def both(one: Meant, other: Meant) -> Meant:
    """What both of two mean."""
    found: Meant = {}
    for name in one.keys() & other.keys():
        first, second = one[name], other[name]
        common = second if first is None else first if second is None else first & second
        if common is None or common:
            found[name] = common
    return found


def _steps(written: str) -> int | None:
    number = written.strip("+")
    return int(number) if number else None


def _folders(path: str) -> list[str]:
    """The path of a file, and those of the folders around it."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _sources(model: Pipeline) -> list[str]:
    """By which words the sources of a pipeline are found."""
    found = list[str]()
    for name, source in model.sources.items():
        table = getattr(source, "table", None)
        found += [name, source.connection, *([f"{source.connection}.{table}"] if table else [])]
    return found
