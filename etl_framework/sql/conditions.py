"""Conditions over the columns of one row: those of checks and of sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql import dialect, parser
from etl_framework.sql.blame import blamed, first_offset
from etl_framework.sql.missing import missing
from etl_framework.sql.planner import EmptyTables
from etl_framework.sql.quote import quote
from etl_framework.sql.references import scopes_of
from etl_framework.sql.scope import ScopeProblem, column_problems
from etl_framework.sql.translate import must_translate, quote_reserved, text_for_duckdb, translate

if TYPE_CHECKING:
    from sqlglot import exp

Types = Mapping[str, str]
# Parts of SQL, by their keys in sqlglot, that need no other translation for another type.
_SAME_FOR_ALL_TYPES = """
    column identifier literal boolean null paren not and or is in between neg tuple
    eq neq gt gte lt lte select from table where subquery
"""
SAME_FOR_ALL_TYPES = frozenset(_SAME_FOR_ALL_TYPES.split())


@cache
def read_condition(sql: str, read: str = "redshift") -> exp.Expr:
    """Parse a condition; callers share the tree, so that they change only copies of it.

    :raises PlanError: the text does not parse, is more than one condition, or holds a comment. The
        cause of the error has the place.
    """
    import sqlglot
    from sqlglot import exp

    try:
        with dialect.quiet():
            words = sqlglot.tokenize(sql, read=read)
            condition = parser.condition(sql, read)
            condition.sql(read, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.ParseError as error:
        wrong = dialect.syntax_error_of(sql, error.errors[0]) if error.errors else error
        raise PlanError(f"the condition does not parse: {sql}") from wrong
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise PlanError(f"the condition does not parse: {sql}") from error
    # SQL that callers write behind the condition must not become part of a comment, or come after
    # the end of a statement.
    if any(word.comments or word.text == ";" for word in words) or isinstance(condition, exp.Star):
        raise PlanError(f"a condition has no comment, no ';' and no '*' by itself: {sql}")
    return condition


def condition_problems(
    sql: str, relation: str, columns: Types | None, tables: EmptyTables
) -> Iterator[ScopeProblem]:
    """Everything that is wrong with a condition of a pipeline's file.

    :param relation: the name of the relation whose rows it judges.
    :param columns: the DuckDB types of the relation's columns; None if they are not known.
    """
    from sqlglot import exp

    try:
        condition = read_condition(sql)
    except PlanError as error:
        offset = getattr(error.__cause__, "offset", 0)
        yield ScopeProblem(offset, "E309", error.diagnostics[0].message)
        return
    problems = [
        ScopeProblem(problem.offset, "E309", f"{problem.message}: {sql}", problem.hint)
        for problem in missing(sql, condition)
    ]
    for node in condition.find_all(exp.Query, exp.AggFunc, exp.Window):
        hint = "write a check of type sql, which may read every relation"
        message = f"a condition reads no other rows than its own: {sql}"
        problems.append(ScopeProblem(first_offset(node), "E309", message, hint))
    select = _select(condition, relation)
    if columns is not None and not problems:
        problems = [
            ScopeProblem(problem.offset, "E308", problem.message, problem.hint)
            for problem in column_problems(scopes_of(select), {relation: list(columns)})
        ]
    yield from problems
    if columns is not None and not problems:
        yield from _type_problems(sql, select, relation, columns, tables)


def _type_problems(
    sql: str, select: exp.Select, relation: str, columns: Types, tables: EmptyTables
) -> Iterator[ScopeProblem]:
    """What only types tell: `day = 3` for a date, or `amount + 1`, which is no condition."""
    translated = ""
    try:
        tree = dialect.typed(select, {relation: columns})
        if wrong := translate(tree):
            for problem in wrong:
                message = f"{problem.message}: {sql}"
                yield ScopeProblem(problem.offset, "E309", message, problem.hint)
            return
        translated = _text(tree, relation)
        query = f"SELECT {translated} AS is_so FROM {quote(relation)}"
        ((_, type_),) = tables.describe(query, {relation: columns})
    except PlanError as error:
        said = error.diagnostics[0]
        offset = blamed(error.__cause__, sql, f"SELECT {translated}")
        yield ScopeProblem(offset, "E309", f"{said.message}: {sql}", said.hint)
        return
    if type_ not in ("BOOLEAN", '"NULL"'):
        hint = "compare it with something"
        yield ScopeProblem(0, "E309", f"a condition is true or false, not {type_}: {sql}", hint)


def _types_matter(condition: exp.Expr) -> bool:
    """Whether the translation of a condition depends on the types of its columns."""
    return not all(node.key in SAME_FOR_ALL_TYPES for node in condition.walk())


def duckdb_condition(sql: str, relation: str, columns: Types | None) -> str:
    """A condition as DuckDB reads it, in brackets: `a > 1 OR b` becomes `(a > 1 OR b)`.

    :param relation: the name of the relation whose rows it judges.
    :param columns: the DuckDB types of the relation's columns; None if they are not known.
    :raises PlanError: the condition does not parse, or cannot mean the same in DuckDB.
    """
    condition = read_condition(sql)
    if not _types_matter(condition):
        copy = dialect.copied(condition)
        quote_reserved(copy)
        return f"({copy.sql('duckdb')})"
    select = _select(condition, relation)
    tree = dialect.typed(select, {relation: columns}) if columns else select
    must_translate(tree)
    return _text(tree, relation)


def redshift_condition(sql: str) -> str:
    """A condition as Redshift reads it: as it is written, in brackets.

    :raises PlanError: the condition does not parse.
    """
    read_condition(sql)
    return f"({sql})"


def _select(condition: exp.Expr, relation: str) -> exp.Select:
    """A query of the rows that meet a condition: `SELECT 1 FROM plays WHERE (country = 'DE')`."""
    from sqlglot import exp

    table = exp.Table(this=exp.to_identifier(relation))
    bracketed = exp.Paren(this=dialect.copied(condition))
    return exp.select("1").from_(table).where(bracketed, copy=False)


def _text(tree: exp.Expr, relation: str) -> str:
    """The condition of such a query, translated, with columns that name no table."""
    from sqlglot import exp

    condition = tree.args["where"].this
    for column in condition.find_all(exp.Column):
        if column.table.lower() == relation.lower():
            column.set("table", None)
    return text_for_duckdb(condition)
