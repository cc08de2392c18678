"""Translate a query with types from Redshift's dialect to DuckDB's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.blame import UntranslatableError, first_offset
from etl_framework.sql.comparisons import incomparable
from etl_framework.sql.dialect import first_line
from etl_framework.sql.kinds import misplaced
from etl_framework.sql.limits import refused_by_redshift
from etl_framework.sql.planner import reserved
from etl_framework.sql.refusal import only_on_redshift
from etl_framework.sql.scope import ScopeProblem
from etl_framework.sql.to_duckdb import to_duckdb

if TYPE_CHECKING:
    from sqlglot import exp


def for_duckdb(tree: exp.Expr) -> str:
    """Translate a typed tree for DuckDB; the tree is changed in place.

    :raises PlanError: DuckDB has nothing with the same meaning; the cause has the place.
    """
    must_translate(tree)
    return text_for_duckdb(tree, pretty=True)


def must_translate(tree: exp.Expr) -> None:
    """Replace what means something else in DuckDB, in place.

    :param tree: a typed tree.
    :raises PlanError: DuckDB has nothing with the same meaning; the cause has the place.
    """
    for problem in translate(tree):
        place = UntranslatableError(problem.offset, problem.message)
        raise PlanError(problem.message, problem.hint) from place


def translate(tree: exp.Expr) -> list[ScopeProblem]:
    """Replace what means something else in DuckDB, in place; return what cannot be replaced.

    :param tree: a typed tree.
    """
    problems = [
        ScopeProblem(first_offset(node), "E415", message)
        for node, message in refused_by_redshift(tree)
    ]
    problems += [*incomparable(tree), *misplaced(tree)]
    for node in reversed(list(tree.walk())):  # inner nodes first
        place = node.parent, node.arg_key, node.index
        try:
            to_duckdb(node)
        except PlanError as error:
            said = error.diagnostics[0]
            problems.append(ScopeProblem(first_offset(node), "E415", said.message, said.hint))
        _keep_type(node, *place)
    quote_reserved(tree)
    return sorted(set(problems), key=lambda problem: problem.offset)


def _keep_type(node: exp.Expr, parent: exp.Expr | None, key: str | None, index: int | None) -> None:
    """Give what has taken the place of a node its type, on which nodes around it depend."""
    now = parent.args.get(key) if parent and key else None
    if isinstance(now, list) and index is not None:
        now = now[index] if index < len(now) else None
    if now is not None and now is not node and not now.type:
        now.type = node.type


def quote_reserved(tree: exp.Expr) -> None:
    """Put the names in quotes that are words of DuckDB, in place: `"at" > 3`."""
    from sqlglot import exp

    for name in tree.find_all(exp.Identifier):
        if name.name.lower() in reserved():
            name.set("quoted", True)


def text_for_duckdb(tree: exp.Expr, *, pretty: bool = False) -> str:
    """The text of a translated tree.

    :raises PlanError: DuckDB has nothing with the same meaning.
    """
    import sqlglot

    try:
        level = sqlglot.ErrorLevel.RAISE
        return tree.sql("duckdb", pretty=pretty, copy=False, unsupported_level=level)
    except sqlglot.errors.SqlglotError as error:
        if only := re.search(r"(\w+) is not supported in DuckDB", str(error)):
            raise only_on_redshift(only[1]) from error
        raise PlanError(f"the SQL cannot be translated for duckdb: {first_line(error)}") from error
