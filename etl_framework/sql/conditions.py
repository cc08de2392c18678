"""Conditions over the columns of one row: those of checks and of sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.dialect import SqlSyntaxError, quiet, syntax_error_of
from etl_framework.sql.functions import unknown_functions
from etl_framework.sql.references import Reference, offset_of

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token


@cache
def transpile_condition(sql: str, *, to: str, read: str = "redshift") -> str:
    """Translate a condition over the columns of one row for the engine `to`.

    The result is in brackets: `a > 1 OR b` becomes `(a > 1 OR b)`.

    :raises PlanError: the text does not parse, is more than one condition, or holds a comment. The
        cause of the error has the place.
    """
    import sqlglot
    from sqlglot import exp

    try:
        with quiet():
            words = sqlglot.tokenize(sql, read=read)
            condition = sqlglot.parse_one(sql, read=read, into=exp.Condition)
            text = exp.Paren(this=condition).sql(to, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.ParseError as error:
        wrong = syntax_error_of(sql, error.errors[0]) if error.errors else error
        raise PlanError(f"the condition does not parse: {sql}") from wrong
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise PlanError(f"the condition does not parse: {sql}") from error
    # SQL that callers write behind the condition must not become part of a comment, or come after
    # the end of a statement.
    if any(word.comments or word.text == ";" for word in words) or isinstance(condition, exp.Star):
        raise PlanError(f"a condition has no comment, no ';' and no '*' by itself: {sql}")
    if read != "postgres":  # a source asks its own database, which has functions of its own
        _refuse_strangers(sql, words, condition)
    return text


def _refuse_strangers(sql: str, words: Sequence[Token], condition: exp.Expr) -> None:
    """Refuse a condition that calls what Redshift has not, or reads a file as a table.

    :raises PlanError: as it says; the cause of the error has the place.
    """
    from sqlglot import exp

    for problem in unknown_functions(words, condition):
        wrong = SqlSyntaxError(problem.offset, problem.message)
        raise PlanError(f"{problem.message}: {sql}", problem.hint) from wrong
    for table in condition.find_all(exp.Table):
        if not re.fullmatch(r"\w+", table.name):
            raise PlanError(f"a condition reads no other rows than its own: {sql}")


def condition_columns(sql: str) -> list[Reference]:
    """The columns that a condition names, in lower case, each once.

    :raises PlanError: the condition does not parse.
    """
    import sqlglot
    from sqlglot import exp

    transpile_condition(sql, to="redshift")
    condition = sqlglot.parse_one(sql, read="redshift", into=exp.Condition)
    columns: dict[str, Reference] = {}
    for column in condition.find_all(exp.Column):
        name = column.name.lower()
        columns.setdefault(name, Reference(name, offset_of(column.this)))
    return list(columns.values())
