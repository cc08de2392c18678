"""The selectors of policies: which pipelines they mean, and which of them mean none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.project.project import PipelineFile
from etl_framework.project.selection import without
from etl_framework.project.selectors import Meant, Selectors
from etl_framework.project.summary import Summary
from etl_framework.project.yaml_file import YamlFile

CODE = "E605"
KEYS = ("select", "exclude")
# Parts of a pipeline's file that selectors look at.
LOOKED_AT = frozenset({"name", "owner", "tags", "after"})
NO_HINT = "etl ls --format json says what pipelines have"


def as_text(pipeline_file: PipelineFile) -> str:
    """Return what selectors look at of a pipeline, as JSON."""
    return json.dumps(asdict(Summary.of(pipeline_file)))


class Meanings:
    """What selectors mean among some pipelines; each selector is looked up once.

    :param texts: the pipelines, as `as_text` gives them.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        pipelines = [Summary.read(json.loads(text)) for text in texts]
        self._selectors = Selectors(pipelines, ("kpi",), {})
        self._known: dict[str, Meant | Diagnostic] = {}

    def chosen(self, select: Sequence[str], exclude: Sequence[str]) -> Meant:
        """Return the pipelines that a policy is about; with KPIs where only those are meant."""
        chosen = self._any(select) if select else dict.fromkeys(self._selectors.known)
        return without(self._selectors, chosen, self._any(exclude)) if exclude else chosen

    def wrong(self, file: YamlFile) -> Iterator[Diagnostic]:
        """Return every selector in the file that means no pipeline, also in wrong policies."""
        data = file.data.get("policies") if isinstance(file.data, dict) else None
        for name, block in data.items() if isinstance(data, dict) else ():
            for key in KEYS if isinstance(block, dict) else ():
                given = block.get(key)
                for index, selector in enumerate(given if isinstance(given, list) else ()):
                    meant = self._meant(selector) if isinstance(selector, str) else {}
                    if isinstance(meant, Diagnostic):
                        keys, hint = ("policies", name, key, index), meant.hint or NO_HINT
                        yield file.diagnostic(keys, CODE, meant.message, hint)

    def _any(self, selectors: Sequence[str]) -> Meant:
        right = [one for one in selectors if not isinstance(self._meant(one), Diagnostic)]
        found: Meant = {}
        for meant in map(self._meant, right):
            for name, kpis in meant.items() if isinstance(meant, dict) else ():
                before = found.get(name, frozenset())
                found[name] = None if before is None or kpis is None else before | kpis
        return found

    def _meant(self, selector: str) -> Meant | Diagnostic:
        if selector not in self._known:
            try:
                self._known[selector] = self._selectors.meant([selector])
            except ConfigError as error:
                self._known[selector] = error.diagnostics[0]
        return self._known[selector]


def is_chosen(chosen: Meant, pipeline: str, relation: str) -> bool:
    """Return whether a policy is about a relation, or about a whole pipeline if it is empty."""
    kpis = chosen.get(pipeline, frozenset())
    return kpis is None or relation in kpis
