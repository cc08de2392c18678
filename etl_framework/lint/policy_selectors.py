"""The selectors of policies: which pipelines they mean, and which of them mean none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.project.choice import Candidate, Choice, candidate
from etl_framework.project.models import Pipeline
from etl_framework.project.yaml_file import YamlFile

CODE = "E603"
KEYS = ("select", "exclude")
# Parts of a pipeline's file that selectors look at.
LOOKED_AT = frozenset({"name", "owner", "tags", "after"})
NO_HINT = "etl ls --format json says what pipelines have"


def as_text(pipeline: Pipeline, path: str) -> str:
    """Return what selectors look at of a pipeline, as JSON."""
    return json.dumps(astuple(candidate(pipeline, path)))


class Meanings:
    """What selectors mean among some pipelines; each selector is looked up once.

    :param texts: the pipelines, as `as_text` gives them.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        values = map(json.loads, texts)
        known = [Candidate(*each[:3], *map(tuple, each[3:])) for each in values]
        self._choice = Choice(known)
        self._known: dict[str, set[str] | Diagnostic] = {}

    def chosen(self, select: Sequence[str], exclude: Sequence[str]) -> set[str]:
        """Return the names of the pipelines that a policy is about."""
        chosen = self._union(select) if select else self._choice.names
        return chosen - self._union(exclude)

    def wrong(self, file: YamlFile) -> Iterator[Diagnostic]:
        """Return every selector in the file that means no pipeline, also in wrong policies."""
        data = file.data.get("policies") if isinstance(file.data, dict) else None
        for name, block in data.items() if isinstance(data, dict) else ():
            for key in KEYS if isinstance(block, dict) else ():
                given = block.get(key)
                for index, selector in enumerate(given if isinstance(given, list) else ()):
                    meant = self._meant(selector) if isinstance(selector, str) else set[str]()
                    if isinstance(meant, Diagnostic):
                        keys, hint = ("policies", name, key, index), meant.hint or NO_HINT
                        yield file.diagnostic(keys, CODE, meant.message, hint)

    def _union(self, selectors: Sequence[str]) -> set[str]:
        all_meant = map(self._meant, selectors)
        return {name for meant in all_meant if isinstance(meant, set) for name in meant}

    def _meant(self, selector: str) -> set[str] | Diagnostic:
        if selector not in self._known:
            try:
                self._known[selector] = self._choice.meant(selector)
            except ConfigError as error:
                self._known[selector] = error.diagnostics[0]
        return self._known[selector]
