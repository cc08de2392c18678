"""SQL is written once, in Redshift's dialect, and translated for the engine that runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError

if TYPE_CHECKING:
    from sqlglot import exp

Schema = Mapping[str, Mapping[str, str]]


class SqlSyntaxError(Exception):
    """SQL that does not parse: the offset of the token that is wrong, and what is wrong with it."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


def parse(sql: str) -> exp.Query:
    """The tree of one SELECT in Redshift's dialect.

    :raises SqlSyntaxError: it does not parse, or is anything but one SELECT.
    """
    import sqlglot
    from sqlglot import exp

    try:
        statements = [tree for tree in sqlglot.parse(sql, read="redshift") if tree is not None]
    except sqlglot.errors.ParseError as error:
        raise _syntax_error(sql, error.errors[0]) from error
    except sqlglot.errors.SqlglotError as error:
        # The tokenizer gives the text up to where it stopped: an open quote, as a rule.
        quote = sql.rfind("'") if sql.count("'") % 2 else max(sql.rfind('"'), 0)
        raise SqlSyntaxError(quote, "the SQL ends inside a quoted text or a comment") from error
    except RecursionError as error:
        raise SqlSyntaxError(0, "the SQL is nested too deeply") from error
    if len(statements) == 1 and isinstance(statements[0], exp.Query):
        return statements[0]
    what = f"{len(statements)} statements" if len(statements) != 1 else statements[0].key.upper()
    raise SqlSyntaxError(0, f"a template is one SELECT, not {what if statements else 'empty'}")


def _syntax_error(sql: str, detail: Mapping[str, object]) -> SqlSyntaxError:
    lines = sql.split("\n")
    line, column = int(str(detail["line"] or 1)), int(str(detail["col"] or 1))
    word = str(detail["highlight"] or "")
    offset = sum(len(text) + 1 for text in lines[: line - 1]) + max(column - len(word), 0)
    message = str(detail["description"]).rstrip(".")
    message = re.sub(r" for <class '.*?(\w+)'>", r" in \1", message)
    return SqlSyntaxError(offset, f"SQL syntax: {message}" + (f" at '{word}'" if word else ""))


def transpile_condition(sql: str, *, to: str) -> str:
    """A condition over the columns of one row, as the engine `to` runs it.

    :raises PlanError: it does not parse.
    """
    import sqlglot

    try:
        query = sqlglot.parse_one(f"SELECT 1 WHERE ({sql})", read="redshift")
        condition = query.args["where"].this
        return str(condition.sql(to, unsupported_level=sqlglot.ErrorLevel.RAISE))
    except (sqlglot.errors.SqlglotError, KeyError) as error:
        raise PlanError(f"the condition does not parse: {sql}") from error


def transpile(sql: str, *, to: str, schema: Schema) -> str:
    """One SELECT of Redshift's dialect, as the engine `to` (`duckdb`, `postgres`) runs it.

    :param schema: table to column to type; integer division and others depend on the types.
    :raises PlanError: the SQL does not parse, or cannot mean the same on that engine.
    """
    import sqlglot
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify

    try:
        tree = parse(sql)
        qualified = qualify(
            tree, schema=dict(schema), dialect="redshift", quote_identifiers=False, identify=False
        )
        typed = annotate_types(qualified, schema=dict(schema), dialect="redshift")
        return typed.sql(to, pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlSyntaxError as error:
        raise PlanError(str(error)) from error
    except sqlglot.errors.SqlglotError as error:
        message = re.sub(r"\x1b\[\d+m", "", str(error)).split("\n")[0]
        raise PlanError(f"the SQL cannot be translated for {to}: {message}") from error
