"""What rules about the meaning of SQL have in common."""

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

    from etl_framework.sql.templates import Rendered

N = TypeVar("N", bound="exp.Expr")


@dataclass(frozen=True)
class Query:
    """A transform or KPI whose SQL could be compiled: its tree has names and types filled in."""

    checked: Checked
    name: str
    rendered: Rendered
    tree: exp.Expr

    def find_all(self, *kinds: type[N]) -> list[N]:
        """Its nodes of some kinds; one walk over the tree serves all rules."""
        found = (nodes for kind, nodes in self._nodes.items() if issubclass(kind, kinds))
        return [cast("N", node) for nodes in found for node in nodes]

    @cached_property
    def _nodes(self) -> dict[type[exp.Expr], list[exp.Expr]]:
        found: dict[type[exp.Expr], list[exp.Expr]] = {}
        for node in self.tree.walk():
            found.setdefault(type(node), []).append(node)
        return found

    @cached_property
    def scopes(self) -> list[Scope]:
        """Each SELECT of it with what it can see, inner ones first."""
        return scopes_of(self.tree)


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
                    line, column = query.rendered.place(_start(query.rendered.sql, found.node))
                    yield Diagnostic(
                        query.rendered.path,
                        line,
                        column,
                        self.codes[0],
                        found.message,
                        found.hint,
                        "warning",
                    )


def queries_of(checked: Checked) -> list[Query]:
    """Those of a pipeline; the same objects whenever they are asked for."""
    if "queries" not in checked.shared:
        trees = checked.compilation.trees.items()
        checked.shared["queries"] = [Query(checked, name, *each) for name, each in trees]
    found: list[Query] = checked.shared["queries"]
    return found


def _start(sql: str, node: exp.Expr) -> int:
    """Where a node's first word stands, also of one that has no names in it."""
    from sqlglot import exp

    if isinstance(node, exp.Func) and not any(n.meta for n in node.walk()):
        words = {node.sql_name(), node.sql("redshift").partition("(")[0], node.name.upper()}
        same = [each for each in node.root().find_all(type(node)) if each == node]
        index = next(index for index, each in enumerate(same) if each is node)
        spelled = "|".join(re.escape(word) for word in sorted(words, reverse=True) if word)
        found = [each.start() for each in re.finditer(rf"(?i)\b(?:{spelled})\b", sql)]
        return found[min(index, len(found) - 1)] if found else first_offset(node)
    start = first_offset(node)
    cast = re.search(r"\bcast\s*\(\s*$", sql[:start], re.IGNORECASE)
    return cast.start() if cast and isinstance(node, exp.Cast) else start


def selects_of(tree: exp.Expr) -> list[exp.Expr]:
    """What a query selects; of a UNION, its first part."""
    from sqlglot import exp

    return list(tree.selects) if isinstance(tree, exp.Query) else []
