"""The relations of all pipelines and their columns, each with those that it is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from etl_framework.plan.lineage import Lineage, lineage, turned
from etl_framework.plan.plan import Plan
from etl_framework.project.models import Pipeline
from etl_framework.sql.lineage import EVERY_ROW, Field

Kind = Literal["source", "transform", "KPI", "pipeline", "reader"]
# Where the pages of relations lie; transforms have none.
FOLDERS: Mapping[Kind, str] = {"source": "sources", "KPI": "kpis"}


@dataclass(frozen=True)
class Node:
    """A relation, a pipeline that comes after one, or who reads one outside the pipelines.

    :param address: its page from the report's folder, or a URL; empty if it has none.
    :param owner: whom to ask, of a reader outside the pipelines.
    """

    pipeline: str
    name: str
    kind: Kind
    address: str = ""
    owner: str = ""

    @property
    def title(self) -> str:
        """What links to it say."""
        if self.kind != "reader":
            return self.id
        return f"{self.name} ({self.owner})" if self.owner else self.name

    @property
    def id(self) -> str:
        """What tells it from all others: `music_daily.events`, `music_daily`."""
        if self.kind == "reader":
            return f"{self.name} {self.address}"
        return f"{self.pipeline}.{self.name}" if self.name else self.pipeline


class Graph:
    """The relations of pipelines, with those that they are directly made of."""

    def __init__(
        self, models: Sequence[Pipeline], plans: Iterable[Plan], others: Iterable[Pipeline] = ()
    ) -> None:
        """Collect them.

        :param models: the pipelines that have pages.
        :param plans: those of the pipelines whose SQL has no errors.
        :param others: pipelines without pages, which may come after a KPI too.
        """
        self.nodes: dict[str, Node] = {}
        self.inputs: dict[str, list[str]] = defaultdict(list)
        self.columns: dict[Field, tuple[Field, ...]] = {}
        for model in models:
            self._add(model)
        for plan in plans:
            self._join(plan)
        self._join_tables(models)
        for model in (*models, *others):
            address = f"index.html#pipeline-{model.name}" if model in models else ""
            if after := [name for name in model.after if name in self.nodes]:
                self.nodes[model.name] = Node(model.name, "", "pipeline", address)
                self.inputs[model.name] = after

    def _add(self, model: Pipeline) -> None:
        kinds: dict[Kind, Collection[str]] = {
            "source": model.sources, "transform": model.transforms, "KPI": model.kpis
        }  # fmt: skip
        for name, kpi in model.kpis.items():
            for exposure in kpi.exposures:
                reader = Node("", exposure.name, "reader", exposure.url or "", exposure.owner)
                self.nodes[reader.id] = reader
                self.inputs[reader.id].append(f"{model.name}.{name}")
        for kind, names in kinds.items():
            for name in names:
                address = f"{FOLDERS[kind]}/{model.name}.{name}.html" if kind in FOLDERS else ""
                node = Node(model.name, name, kind, address)
                self.nodes[node.id] = node

    def _join(self, plan: Plan) -> None:
        """Add what the SQL of a pipeline reads, and its columns."""
        from sqlglot.errors import SqlglotError

        prefix = f"{plan.pipeline.name}."
        known: Lineage = {}
        with suppress(SqlglotError):  # then its relations stand alone, and all other pages are made
            known = lineage(plan)
        for (relation, column), fields in known.items():
            here = prefix + relation
            there = tuple((prefix + name, field) for name, field in fields)
            if column == EVERY_ROW:
                self.inputs[here] += [name for name, _ in there if name != here]
            self.columns[here, column] = there

    def _join_tables(self, models: Sequence[Pipeline]) -> None:
        """Add that a source reads the table of a KPI, where their connection is the same."""
        tables = {
            (kpi.target.connection, kpi.target.table.lower()): (f"{model.name}.{name}", kpi)
            for model in models
            for name, kpi in model.kpis.items()
        }
        for model in models:
            for name, source in model.sources.items():
                if there := tables.get((source.connection, source.reads().lower())):
                    here, (made, kpi) = f"{model.name}.{name}", there
                    self.inputs[here].append(made)
                    known = {column.name for column in kpi.columns}
                    for column in [EVERY_ROW, *(c.name for c in source.staged if c.name in known)]:
                        self.columns[here, column] = ((made, column),)

    @cached_property
    def outputs(self) -> Mapping[str, Sequence[str]]:
        """The graph the other way round: each relation with those directly made of it."""
        return turned(self.inputs)

    @cached_property
    def goes_into(self) -> Lineage:
        """Each column with those that are directly computed from it."""
        return turned(self.columns)
