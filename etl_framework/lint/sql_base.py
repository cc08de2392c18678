"""What rules about the meaning of SQL have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from etl_framework.config.project import Project
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    from etl_framework.sql.templates import Rendered


@dataclass(frozen=True)
class Query:
    """A transform or KPI whose SQL could be compiled: its tree has names and types filled in."""

    checked: Checked
    name: str
    rendered: Rendered
    tree: exp.Expr

    @cached_property
    def scopes(self) -> list[Scope]:
        """Each SELECT of it with what it can see, inner ones first."""
        from sqlglot.optimizer.scope import traverse_scope

        return traverse_scope(self.tree)


@dataclass(frozen=True)
class Finding:
    """What is wrong, and the part of the tree that it is about."""

    node: exp.Expr
    message: str
    hint: str = ""


class SqlRule(Rule):
    """A rule about the tree of each query; what it finds runs, and yet is seldom meant."""

    def find(self, query: Query) -> Iterator[Finding]:
        """Every part of the query that is wrong."""
        raise NotImplementedError

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for query in queries_of(checked):
                for found in self.find(query):
                    line, column = query.rendered.place(_offset(found.node))
                    yield Diagnostic(
                        query.rendered.path, line, column, self.codes[0], found.message, found.hint,
                        "warning",
                    )  # fmt: skip


def queries_of(checked: Checked) -> list[Query]:
    """Those of a pipeline; the same objects whenever they are asked for."""
    if "queries" not in checked.shared:
        trees = checked.compilation.trees.items()
        checked.shared["queries"] = [Query(checked, name, *each) for name, each in trees]
    found: list[Query] = checked.shared["queries"]
    return found


def selects_of(tree: exp.Expr) -> list[exp.Expr]:
    """What a query selects; of a UNION, its first part."""
    from sqlglot import exp

    return list(tree.selects) if isinstance(tree, exp.Query) else []


def _offset(node: exp.Expr) -> int:
    """Where the first word of it stands; of one that has no place, where what is around it does."""
    around: exp.Expr | None = node
    while around is not None:
        starts = [int(n.meta["start"]) for n in around.walk() if n.meta.get("start") is not None]
        if starts:
            return min(starts)
        around = around.parent
    return 0
