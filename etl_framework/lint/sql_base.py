"""The base of rules about the meaning of SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project
from etl_framework.sql.blame import first_offset
from etl_framework.sql.references import scopes_of

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    from etl_framework.sql.rendered import Rendered

N = TypeVar("N", bound="exp.Expr")


@dataclass(frozen=True)
class Query:
    """A transform or KPI whose SQL could be compiled; its tree has names and types filled in."""

    checked: Checked
    name: str
    rendered: Rendered
    tree: exp.Expr

    def find_all(self, *kinds: type[N]) -> list[N]:
        """Return the query's nodes of some kinds; all rules share one walk over the tree."""
        groups = (nodes for kind, nodes in self._nodes.items() if issubclass(kind, kinds))
        return [cast("N", node) for nodes in groups for node in nodes]

    @cached_property
    def _nodes(self) -> dict[type[exp.Expr], list[exp.Expr]]:
        by_type: dict[type[exp.Expr], list[exp.Expr]] = {}
        for node in self.tree.walk():
            by_type.setdefault(type(node), []).append(node)
        return by_type

    @cached_property
    def scopes(self) -> list[Scope]:
        """The scope of each SELECT of the query, inner ones first."""
        return scopes_of(self.tree)


@dataclass(frozen=True)
class Finding:
    """What is wrong, and the part of the tree that is wrong."""

    node: exp.Expr
    message: str
    hint: str = ""


class SqlRule(Rule):
    """A rule about the tree of each query. It finds SQL that runs, but is probably a mistake."""

    def find(self, query: Query) -> Iterator[Finding]:
        """Return every part of the query that is wrong."""
        raise NotImplementedError

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for query in queries_of(checked):
                for finding in self.find(query):
                    yield Diagnostic(
                        *query.rendered.where(_start(query.rendered.sql, finding.node)),
                        self.codes[0],
                        finding.message,
                        finding.hint,
                        "warning",
                    )


def queries_of(checked: Checked) -> list[Query]:
    """Return the queries of a pipeline; later calls return the same objects."""
    if "queries" not in checked.shared:
        trees = checked.compilation.trees.items()
        checked.shared["queries"] = [Query(checked, name, *pair) for name, pair in trees]
    queries: list[Query] = checked.shared["queries"]
    return queries


def _start(sql: str, node: exp.Expr) -> int:
    """Return the offset of a node's first word, even if the node contains no names."""
    from sqlglot import exp

    if isinstance(node, exp.Func) and not any(n.meta for n in node.walk()):
        words = {node.sql_name(), node.sql("redshift").partition("(")[0], node.name.upper()}
        same = [other for other in node.root().find_all(type(node)) if other == node]
        index = next(index for index, other in enumerate(same) if other is node)
        spelled = "|".join(re.escape(word) for word in sorted(words, reverse=True) if word)
        starts = [match.start() for match in re.finditer(rf"(?i)\b(?:{spelled})\b", sql)]
        return starts[min(index, len(starts) - 1)] if starts else first_offset(node)
    start = first_offset(node)
    cast = re.search(r"\bcast\s*\(\s*$", sql[:start], re.IGNORECASE)
    return cast.start() if cast and isinstance(node, exp.Cast) else start


def selects_of(tree: exp.Expr) -> list[exp.Expr]:
    """Return what a query selects; for a UNION, what its first part selects."""
    from sqlglot import exp

    return list(tree.selects) if isinstance(tree, exp.Query) else []
