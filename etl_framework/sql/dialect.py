"""Translate SQL from Redshift's dialect, in which it is written, to that of another engine."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.blame import first_offset
from etl_framework.sql.missing import misspelt
from etl_framework.sql.parser import statements as parsed
from etl_framework.sql.types import types_told
from etl_framework.sql.unions import align

if TYPE_CHECKING:
    from sqlglot import exp

Schema = Mapping[str, Mapping[str, str]]
MAX_WORDS = 10_000
MAX_DEPTH = 400


class SqlSyntaxError(Exception):
    """SQL does not parse; holds the offset of the wrong token, and a message with its code."""

    def __init__(self, offset: int, message: str, hint: str = "", code: str = "E410") -> None:
        self.offset, self.hint, self.code = offset, hint, code
        super().__init__(message)

    def moved(self, by: int) -> SqlSyntaxError:
        """The same error of a text in which this one is a part."""
        return SqlSyntaxError(self.offset + by, str(self), self.hint, self.code)


def parse(sql: str) -> exp.Query:
    """Parse one SELECT in Redshift's dialect.

    :raises SqlSyntaxError: the SQL does not parse, or is not exactly one SELECT.
    """
    import sqlglot
    from sqlglot import exp

    try:
        if len(sql) > MAX_WORDS and len(sqlglot.tokenize(sql, read="redshift")) > MAX_WORDS:
            raise SqlSyntaxError(0, f"the SQL has over {MAX_WORDS} words")
        with quiet():
            statements = [tree for tree in parsed(sql) if tree is not None]
    except sqlglot.errors.ParseError as error:
        wrong = syntax_error_of(sql, error.errors[0])
        lost = [problem for problem in misspelt(sql) if problem.offset <= wrong.offset]
        if lost:  # says more than that a bracket is unexpected
            last = lost[-1]
            raise SqlSyntaxError(last.offset, last.message, last.hint, last.code) from error
        raise wrong from error
    except sqlglot.errors.SqlglotError as error:
        # The tokenizer stops, as a rule, at a quote that is not closed.
        quote = sql.rfind("'") if sql.count("'") % 2 else max(sql.rfind('"'), 0)
        raise SqlSyntaxError(quote, "the SQL ends inside a quoted text or a comment") from error
    except RecursionError as error:
        raise SqlSyntaxError(0, "the SQL is nested too deeply") from error
    if len(statements) == 1 and isinstance(statements[0], exp.Query):
        for node in statements[0].find_all(exp.Into, exp.DML, exp.DDL, exp.Command):
            if not isinstance(node, exp.Query):
                message = f"a template only reads: it cannot hold {node.key.upper()}"
                raise SqlSyntaxError(first_offset(node), message)
        if len(sql) > MAX_DEPTH and _depth(statements[0]) > MAX_DEPTH:
            raise SqlSyntaxError(0, "the SQL is nested too deeply")
        return statements[0]
    what = f"{len(statements)} statements" if len(statements) != 1 else statements[0].key.upper()
    raise SqlSyntaxError(0, f"a template is one SELECT, not {what if statements else 'empty'}")


def _depth(tree: exp.Expr) -> int:
    """The depth of a tree; later steps take time that grows with its square."""
    depth, level = 0, [tree]
    while level and depth <= MAX_DEPTH:
        depth, level = depth + 1, [child for node in level for child in node.iter_expressions()]
    return depth


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings that sqlglot logs in addition to its results and errors."""
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def syntax_error_of(sql: str, detail: Mapping[str, object]) -> SqlSyntaxError:
    lines = sql.split("\n")
    line, column = int(str(detail["line"] or 1)), int(str(detail["col"] or 1))
    word = str(detail["highlight"] or "")
    offset = sum(len(text) + 1 for text in lines[: line - 1]) + max(column - len(word), 0)
    message = str(detail["description"]).rstrip(".")
    message = re.sub(r" but got <Token.*", "", message, flags=re.DOTALL)
    message = re.sub(r" for <class '.*?(\w+)'>", r" in \1", message)
    return SqlSyntaxError(offset, f"SQL syntax: {message}" + (f" at '{word}'" if word else ""))


def typed(tree: exp.Query, schema: Schema) -> exp.Expr:
    """Fill in the table of every column, the columns of every star, and the type of every node.

    :param tree: a parsed SELECT; it is changed in place.
    :param schema: the type of every column, by table and column.
    :raises PlanError: a table or column does not exist.
    """
    import sqlglot
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.schema import MappingSchema

    known: dict[str, object] = {
        name.lower(): {column.lower(): _type(type_) for column, type_ in columns.items()}
        for name, columns in schema.items()
    }
    try:
        tables = MappingSchema(known, dialect="redshift", normalize=False)
        qualified = qualify(
            tree, schema=tables, dialect="redshift", quote_identifiers=False, identify=False
        )
        annotated = annotate_types(qualified, tables, types_told(), dialect="redshift")
        if align(annotated):
            annotated = annotate_types(annotated, tables, types_told(), dialect="redshift")
        return annotated
    except sqlglot.errors.SqlglotError as error:
        raise PlanError(f"the SQL cannot be read: {first_line(error)}") from error


@cache
def _type(text: str) -> exp.DataType | str:
    """The parsed type of a column; each type is parsed only once."""
    import sqlglot
    from sqlglot import exp

    try:
        return exp.DataType.build(text, dialect="redshift")
    except sqlglot.errors.SqlglotError:
        return text


def copied(tree: exp.Expr) -> exp.Expr:
    """Copy a tree; its nodes share types, comments and positions, which no one changes in place."""
    from sqlglot import exp

    root = type(tree)()
    waiting = [(tree, root)]
    while waiting:
        node, copy = waiting.pop()
        copy._type, copy._meta, copy.comments = node._type, node._meta, node.comments
        for key, value in node.args.items():
            if isinstance(value, exp.Expr):
                copy.args[key] = made = type(value)()
                made.parent, made.arg_key = copy, key
                waiting.append((value, made))
            elif isinstance(value, list):
                copy.args[key] = []
                for item in value:
                    made = type(item)() if isinstance(item, exp.Expr) else item
                    if made is not item:
                        waiting.append((item, made))
                    copy.append(key, made)
            else:
                copy.args[key] = value
    return root


def first_line(error: Exception) -> str:
    return re.sub(r"\x1b\[\d+m", "", str(error)).split("\n")[0]
