"""The selectors of policies: which pipelines they mean, and which of them mean none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.project.models import Kpi, Pipeline
from etl_framework.project.project import PipelineFile, Project
from etl_framework.project.selection import without
from etl_framework.project.selectors import Meant, Selectors
from etl_framework.project.yaml_file import YamlFile
from etl_framework.sources.base import Source
from etl_framework.sources.postgres.source import PostgresSource
from etl_framework.targets.target import Target

CODE = "E605"
KEYS = ("select", "exclude")
# Parts of a pipeline's file that selectors look at.
LOOKED_AT = frozenset({"name", "owner", "tags", "after"})
NO_HINT = "etl ls --format json says what pipelines have"


def as_text(pipeline_file: PipelineFile) -> str:
    """Return what selectors look at of a pipeline, as JSON."""
    model = pipeline_file.model
    if model is None:
        return "{}"
    sources = {
        name: [source.connection, getattr(source, "table", None)]
        for name, source in model.sources.items()
    }
    kpis = {name: [kpi.target.connection, kpi.target.table] for name, kpi in model.kpis.items()}
    fields = {"name": model.name, "owner": model.owner, "tags": model.tags, "after": model.after}
    at = {"path": pipeline_file.file.path, "stem": pipeline_file.stem}
    return json.dumps({**at, "fields": fields, "sources": sources, "kpis": kpis})


def _pipeline_file(written: Any) -> PipelineFile:
    """Return a pipeline that has what `as_text` gives, and nothing else."""
    sources: dict[str, Source] = {}
    for name, (connection, table) in written["sources"].items():
        kind = PostgresSource if table else Source
        fields = {"connection": connection, **({"table": table} if table else {})}
        sources[name] = kind.model_construct(columns=[], **fields)
    kpis = {}
    for name, (connection, table) in written["kpis"].items():
        target = Target.model_construct(connection=connection, table=table)
        kpis[name] = Kpi.model_construct(sql="", columns=[], target=target)
    model = Pipeline.model_construct(**written["fields"], sources=sources, kpis=kpis, transforms={})
    return PipelineFile(YamlFile(written["path"]), model, written["stem"])


class Meanings:
    """What selectors mean among some pipelines; each selector is looked up once.

    :param texts: the pipelines, as `as_text` gives them.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        files = tuple(_pipeline_file(json.loads(text)) for text in texts)
        project = Project(Path(), files, None, YamlFile(""))
        self._selectors = Selectors(project, ("kpi",), {})
        self._known: dict[str, Meant | Diagnostic] = {}

    def chosen(self, select: Sequence[str], exclude: Sequence[str]) -> Meant:
        """Return the pipelines that a policy is about; with KPIs where only those are meant."""
        chosen = self._any(select) if select else dict.fromkeys(self._selectors.files)
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
