"""What is known of a pipeline's SQL once it is compiled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic

if TYPE_CHECKING:
    from sqlglot import exp

    from etl_framework.sql.templates import Rendered

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
    """

    queries: dict[str, Compiled] = field(default_factory=dict)
    checks: dict[tuple[str, int], Compiled] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    trees: dict[str, tuple[Rendered, exp.Expr]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def upstream(self, name: str) -> Iterator[str]:
        """The relations that a relation is made from, directly or through others; some twice."""
        for need in self.queries[name].inputs if name in self.queries else ():
            yield need
            yield from self.upstream(need)
