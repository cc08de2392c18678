"""SQL is written once, in Redshift's dialect, and translated for the engine that runs it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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
        with _quiet():
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
        for node in statements[0].find_all(exp.Into, exp.DML, exp.DDL, exp.Command):
            if not isinstance(node, exp.Query):
                message = f"a template only reads: it cannot hold {node.key.upper()}"
                raise SqlSyntaxError(_offset(node), message)
        return statements[0]
    what = f"{len(statements)} statements" if len(statements) != 1 else statements[0].key.upper()
    raise SqlSyntaxError(0, f"a template is one SELECT, not {what if statements else 'empty'}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings that sqlglot logs beside what it returns or raises."""
    logger = logging.getLogger("sqlglot")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def _offset(node: exp.Expr) -> int:
    """Where the first name in it stands, as near as the tree tells."""
    from sqlglot import exp

    return next((int(n.meta["start"]) for n in node.find_all(exp.Identifier) if n.meta), 0)


def _syntax_error(sql: str, detail: Mapping[str, object]) -> SqlSyntaxError:
    lines = sql.split("\n")
    line, column = int(str(detail["line"] or 1)), int(str(detail["col"] or 1))
    word = str(detail["highlight"] or "")
    offset = sum(len(text) + 1 for text in lines[: line - 1]) + max(column - len(word), 0)
    message = str(detail["description"]).rstrip(".")
    message = re.sub(r" but got <Token.*", "", message, flags=re.DOTALL)
    message = re.sub(r" for <class '.*?(\w+)'>", r" in \1", message)
    return SqlSyntaxError(offset, f"SQL syntax: {message}" + (f" at '{word}'" if word else ""))


def transpile_condition(sql: str, *, to: str) -> str:
    """A condition over the columns of one row, as the engine `to` runs it.

    :raises PlanError: it does not parse, is more than one condition, or holds a comment.
    """
    import sqlglot
    from sqlglot import exp

    try:
        with _quiet():
            words = sqlglot.tokenize(sql, read="redshift")
            condition = sqlglot.parse_one(sql, read="redshift", into=exp.Condition)
            text = exp.Paren(this=condition).sql(to, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise PlanError(f"the condition does not parse: {sql}") from error
    # What is put behind it must not fall into a comment, nor after its end.
    if any(word.comments or word.text == ";" for word in words) or isinstance(condition, exp.Star):
        raise PlanError(f"a condition has no comment, no ';' and no '*' by itself: {sql}")
    return text


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
        typed = annotate_types(qualified, dict(schema), _types(), dialect="redshift")
        if to == "duckdb":
            for node in reversed(list(typed.walk())):  # what is inside first
                _keep_meaning(node)
        return typed.sql(to, pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlSyntaxError as error:
        raise PlanError(str(error)) from error
    except sqlglot.errors.SqlglotError as error:
        message = re.sub(r"\x1b\[\d+m", "", str(error)).split("\n")[0]
        raise PlanError(f"the SQL cannot be translated for {to}: {message}") from error


def _types() -> Any:
    """How sqlglot tells types; AVG of integers is an integer on Redshift, in outer queries too."""
    from sqlglot import Dialect, exp

    def mean(annotator: Any, node: exp.Avg) -> None:
        whole = node.this.is_type(*exp.DataType.INTEGER_TYPES)
        annotator._set_type(node, exp.DType.BIGINT if whole else exp.DType.DOUBLE)

    known = Dialect.get_or_raise("redshift").EXPRESSION_METADATA
    return {**known, exp.Avg: {"annotator": mean}}


def _keep_meaning(node: exp.Expr) -> None:
    """Rewrite what sqlglot would translate to something that gives other values.

    Sources: Redshift's Database Developer Guide, "Mathematical operator symbols" (integer
    division), "AVG function" (the type of its result), "LISTAGG function" (no separator).

    :raises PlanError: there is nothing that gives the same.
    """
    from sqlglot import exp

    if isinstance(node, exp.Div) and node.args.get("typed"):
        if all(side.is_type(*exp.DataType.INTEGER_TYPES) for side in (node.left, node.right)):
            quotient = exp.IntDiv(this=_integer(node.left), expression=_integer(node.right))
            node.replace(exp.cast(quotient, "BIGINT"))
    elif isinstance(node, exp.Avg) and node.this.is_type(*exp.DataType.INTEGER_TYPES):
        whole: exp.Expr = node
        while isinstance(whole.parent, exp.Filter | exp.Window) and whole.arg_key == "this":
            whole = whole.parent
        mean = whole.copy()
        whole.replace(exp.cast(exp.func("TRUNC", mean), "BIGINT"))
    elif isinstance(node, exp.Avg) and node.this.is_type("DECIMAL"):
        hint = "write AVG(CAST(... AS DOUBLE PRECISION)), and cast the result"
        raise PlanError(f"AVG of a decimal cuts digits off on Redshift only: {hint}")
    elif isinstance(node, exp.GroupConcat):
        if isinstance(node.this, exp.Distinct) and len(node.this.expressions) > 1:
            column, separator = node.this.expressions
            node.this.set("expressions", [column])
            node.set("separator", separator)
        elif not node.args.get("separator"):
            node.set("separator", exp.Literal.string(""))


def _integer(side: exp.Expr) -> exp.Expr:
    """An operand of which DuckDB, too, knows that it is an integer; `FLOOR` is none there."""
    from sqlglot import exp

    if isinstance(side, exp.Column | exp.Literal | exp.Cast | exp.Count):
        return side.copy()
    return exp.cast(side.copy(), "BIGINT")
