"""Where sensitive columns flow, and whether their values stay hidden there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from etl_framework.plan.lineage import reached
from etl_framework.project.models import Pipeline
from etl_framework.report.graph import Graph, Node
from etl_framework.sql.lineage import EVERY_ROW, Field


@dataclass(frozen=True)
class Stop:
    """A column that is computed from a sensitive one.

    :param hidden: whether reports mask its values.
    """

    node: Node
    column: str
    hidden: bool


@dataclass(frozen=True)
class Flow:
    """A sensitive column, and all columns that are computed from it."""

    node: Node
    column: str
    stops: Sequence[Stop]

    @property
    def shown(self) -> int:
        """How many columns of KPIs show what is computed from it."""
        return sum(not stop.hidden for stop in self.stops if stop.node.kind == "KPI")


def flows(graph: Graph, models: Iterable[Pipeline]) -> list[Flow]:
    """Each sensitive column with what is computed from it, those that are shown somewhere first.

    A column that is computed from another sensitive one is told of there alone.
    """
    models = list(models)
    hidden = {model.name: model.sensitive() for model in models}
    # What a transform makes, its SQL alone says; of SQL with errors, the file says what is made.
    columns = {*graph.columns, *(field for model in models for field in _declared(model))}
    starts = {field for field in columns if _is_hidden(graph, hidden, field)}
    flows = []
    for of, column in sorted(starts):
        made_of: set[Field] = set(reached(graph.columns, (of, column)))
        if starts.isdisjoint(made_of):
            stops = [
                Stop(graph.nodes[field[0]], field[1], _is_hidden(graph, hidden, field))
                for field in reached(graph.goes_into, (of, column))
                if field[1] != EVERY_ROW
            ]
            flows.append(Flow(graph.nodes[of], column, stops))
    return sorted(flows, key=lambda flow: -flow.shown)


def _declared(model: Pipeline) -> Iterator[Field]:
    for name, block in model.relations().items():
        yield from ((f"{model.name}.{name}", column.name) for column in block.staged)


def _is_hidden(graph: Graph, hidden: Mapping[str, set[str]], field: Field) -> bool:
    """Whether reports mask a column, which they do by its name in all relations of a pipeline."""
    return field[1].lower() in hidden.get(graph.nodes[field[0]].pipeline, ())
