"""What is known of a pipeline's SQL once it is compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic
from etl_framework.project.models import Kpi, Transform
from etl_framework.project.relation import Relation
from etl_framework.sources.base import Source
from etl_framework.sql.templates import names_interval

if TYPE_CHECKING:
    from sqlglot import exp

    from etl_framework.sql.rendered import Rendered

# The name and DuckDB type of every column; None if they cannot be known.
Shape = tuple[tuple[str, str], ...] | None


@dataclass(frozen=True)
class Compiled:
    """One transform or KPI, compiled.

    :param inputs: the relations that it reads, in the order of the text.
    :param sql: the SQL as DuckDB runs it; empty for a Python function, or if compiling failed.
    :param rendered: the template with its values filled in, in Redshift's dialect.
    """

    name: str
    inputs: tuple[str, ...]
    template: str = ""
    sql: str = ""
    columns: Shape = None
    rendered: str = ""


@dataclass
class Compilation:
    """Every transform and KPI of a pipeline, in an order in which they can run.

    :param checks: the SQL of checks, by relation and position in the relation's list of checks.
    :param shapes: the columns of every relation.
    :param trees: the tree of every query that could be compiled, with names and types filled in.
    :param diagnostics: what is wrong with queries.
    :param of_conditions: what is wrong with the conditions of checks.
    """

    queries: dict[str, Compiled] = field(default_factory=dict)
    checks: dict[tuple[str, int], Compiled] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    trees: dict[str, tuple[Rendered, exp.Expr]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    of_conditions: list[Diagnostic] = field(default_factory=list)

    @property
    def problems(self) -> list[Diagnostic]:
        """Everything that is wrong with the pipeline's SQL."""
        return [*self.diagnostics, *self.of_conditions]

    def by_interval(self, relations: Mapping[str, Relation]) -> dict[str, bool | None]:
        """Whether each relation has the rows of the data interval alone; None if nobody can tell.

        It does if it is made from a source that does, or from a KPI without all of its data
        intervals. What SQL makes of the interval that it names,
        and what Python makes of rows, nobody can tell.
        """
        found: dict[str, bool | None] = {}
        for name, relation in relations.items():
            if isinstance(relation.block, Source):
                found[name] = relation.block.by_interval()
        for name, query in self.queries.items():
            block = relations[name].block
            windows = block.reads if isinstance(block, Kpi | Transform) else {}
            every = [need for need, window in windows.items() if window.span is None]
            told = [False if need in every else found.get(need) for need in query.inputs]
            told_by_none = not query.template or names_interval(query.template)
            found[name] = True if True in told else None if told_by_none or None in told else False
        return found

    def upstream(self, name: str) -> Iterator[str]:
        """The relations that a relation is made from, directly or through others; some twice."""
        for need in self.queries[name].inputs if name in self.queries else ():
            yield need
            yield from self.upstream(need)
