"""What one relation is made of and what is made of it, as its page shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from etl_framework.plan.lineage import reached
from etl_framework.report.graph import Graph, Kind, Node
from etl_framework.report.picture import Picture, picture
from etl_framework.sql.lineage import EVERY_ROW, Field

# A picture with more boxes tells nobody anything; a cell and a box name so many columns, and a
# line in a box has room for so many letters.
BOXES, IN_A_CELL, IN_A_BOX, LETTERS = 60, 8, 2, 22


@dataclass(frozen=True)
class Related:
    """The columns that a column is made of, or goes into, as far as a cell has room.

    :param more: how many others there are.
    """

    fields: Sequence[tuple[Node, str]]
    more: int


@dataclass(frozen=True)
class View:
    """One relation with all that it is made of and all that is made of it.

    :param picture: None if it would have too many boxes.
    :param nodes: the boxes of the picture by their names.
    :param readers: those that read it directly; `feeds` are all KPIs that it has a part in.
    :param places: the number of each box in the picture.
    :param columns: for each column what it is made of and what it goes into.
    :param boxes: for each column and box the first of the box's columns that belong together, and
        a text with all of them.
    """

    node: Node
    picture: Picture | None
    nodes: Mapping[str, Node]
    inputs: Sequence[Node]
    readers: Sequence[Node]
    feeds: Sequence[Node]
    places: Mapping[str, int]
    columns: Mapping[str, tuple[Related, Related]]
    boxes: Mapping[str, Mapping[int, tuple[str, str]]]


def view(graph: Graph, id_: str, columns: Sequence[str]) -> View:
    """What a page shows of a relation.

    :param columns: its columns.
    """
    after = list(reached(graph.outputs, id_))
    around = {id_, *reached(graph.inputs, id_), *after}
    inputs = {
        name: [made for made in graph.inputs.get(name, ()) if made in around]
        for name in sorted(around)
    }
    related: dict[str, tuple[Related, Related]] = {}
    boxes: dict[str, dict[int, tuple[str, str]]] = {}
    drawn = picture(inputs) if len(inputs) <= BOXES else None
    places = {name: number for number, name in enumerate(drawn.boxes)} if drawn else {}
    for column in columns:
        up = list(reached(graph.columns, (id_, column)))
        down = list(reached(graph.goes_into, (id_, column)))
        related[column] = _related(graph, up, "source"), _related(graph, down, "KPI")
        boxes[column] = _in_boxes([(id_, column), *up, *down], places)
    return View(
        node=graph.nodes[id_],
        picture=drawn,
        places=places,
        nodes={name: graph.nodes[name] for name in inputs},
        inputs=_nodes(graph, graph.inputs.get(id_, ())),
        readers=_nodes(graph, graph.outputs.get(id_, ())),
        feeds=[node for node in _nodes(graph, after) if node.kind == "KPI"],
        columns=related,
        boxes=boxes,
    )


def _nodes(graph: Graph, names: Iterable[str]) -> list[Node]:
    return [graph.nodes[name] for name in dict.fromkeys(names)]


def _related(graph: Graph, fields: Sequence[Field], kind: Kind) -> Related:
    """Those of a kind: what is between sources and KPIs, the picture shows."""
    of_kind = [(graph.nodes[of], column) for of, column in fields if graph.nodes[of].kind == kind]
    return Related(of_kind[:IN_A_CELL], max(len(of_kind) - IN_A_CELL, 0))


def named(column: str) -> str:
    """A column as people read it: that of COUNT(*) is `rows`."""
    return "rows" if column == EVERY_ROW else column


def short(text: str) -> str:
    """A text that fits into a line of a box."""
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"


def _in_boxes(fields: Sequence[Field], places: Mapping[str, int]) -> dict[int, tuple[str, str]]:
    """For each box, by its number, its columns: `listens, rows`, or `listens, rows +3`."""
    columns: dict[str, list[str]] = defaultdict(list)
    for box, column in dict.fromkeys(fields):
        columns[box].append(column)
    return {
        places[box]: (names[0], short(", ".join(map(named, names[:IN_A_BOX]))) + _beyond(names))
        for box, names in columns.items()
        if box in places
    }


def _beyond(names: Sequence[str]) -> str:
    return f" +{len(names) - IN_A_BOX}" if len(names) > IN_A_BOX else ""
