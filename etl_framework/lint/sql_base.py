"""What rules about the meaning of SQL have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl_framework.config.project import Project
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.sql.blame import first_offset

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class Query:
    """A transform or KPI whose SQL could be compiled: its tree has names and types filled in."""

    checked: Checked
    name: str
    tree: exp.Expr


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
            for name, (rendered, tree) in checked.compilation.trees.items():
                for found in self.find(Query(checked, name, tree)):
                    line, column = rendered.place(first_offset(found.node))
                    yield Diagnostic(
                        rendered.path, line, column, self.codes[0], found.message, found.hint,
                        "warning",
                    )  # fmt: skip


def selects_of(tree: exp.Expr) -> list[exp.Expr]:
    """What a query selects; of a UNION, its first part."""
    from sqlglot import exp

    return list(tree.selects) if isinstance(tree, exp.Query) else []
