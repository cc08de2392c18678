"""Read Redshift's SQL where sqlglot reads it otherwise.

Source: Redshift's Database Developer Guide, "Window function syntax summary" (frames).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.blame import UntranslatableError, first_offset

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

ADD_MONTHS, AS_READ = "ADD_MONTHS", "ETL_MONTHS"


def statements(sql: str) -> list[exp.Expr | None]:
    """The tree of every statement of Redshift's SQL.

    ADD_MONTHS keeps the last day of a month and DATEADD does not, but sqlglot treats them as the
    same function. So ADD_MONTHS is renamed for the parser to a name that sqlglot does not know; the
    name has the same length, so that all offsets stay right.

    :raises SqlglotError: the SQL does not parse.
    """
    from sqlglot import Dialect, exp

    renamed = _renamed(sql)
    reader = Dialect.get_or_raise("redshift").parser()
    trees: list[exp.Expr | None] = list(reader.parse(words(renamed), renamed))
    for tree in trees if renamed is not sql else ():
        for node in tree.find_all(exp.Anonymous) if tree else ():
            if node.name == AS_READ:
                node.set("this", ADD_MONTHS)
    for tree in trees:
        for query in tree.find_all(exp.Select, exp.Subquery) if tree else ():
            _as_others_read(query)
    return trees


@lru_cache(maxsize=16)
def words(sql: str) -> list[Token]:
    """The tokens of Redshift's SQL; what reads a query after it was parsed gets them again.

    :raises SqlglotError: a quoted text or a comment does not end.
    """
    import sqlglot

    return sqlglot.tokenize(sql, read="redshift")


def _as_others_read(node: exp.Expr) -> None:
    """Rewrite a form of Redshift's that the rules of sqlglot do not know.

    `SELECT *, a AS b EXCLUDE (c)` becomes `SELECT * EXCLUDE (c), a AS b`, and `FROM (t)`
    becomes `FROM t`.
    """
    from sqlglot import exp

    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table) and not node.alias:
        node.replace(node.this)
    elif isinstance(node, exp.Select) and (excluded := node.args.get("exclude")):
        names = {column.name.lower() for column in excluded}
        node.set("exclude", None)
        stars = [s.this if isinstance(s, exp.Column) else s for s in node.selects if s.is_star]
        for star in stars:
            star.set("except_", [exp.to_identifier(column.name) for column in excluded])
        kept = [s for s in node.selects if s.is_star or s.alias_or_name.lower() not in names]
        node.set("expressions", kept)


def _renamed(sql: str) -> str:
    if ADD_MONTHS not in sql.upper():
        return sql
    for token, following in pairwise(words(sql)):
        called = token.token_type.name == "VAR" and following.text == "("
        if called and token.text.upper() == ADD_MONTHS:
            sql = sql[: token.start] + AS_READ + sql[token.end + 1 :]
    return sql


def refuse_what_redshift_refuses(tree: exp.Expr) -> None:
    """Refuse SQL that other engines run and Redshift does not, or runs with another meaning.

    :raises PlanError: the query has such SQL. The message says what to write instead; the cause of
        the error has the place.
    """
    for node, message in _refused(tree):
        raise PlanError(message) from UntranslatableError(first_offset(node), message)


def _refused(tree: exp.Expr) -> Iterator[tuple[exp.Expr, str]]:
    from sqlglot import exp

    for node in tree.find_all(exp.Window, exp.TsOrDsDiff):
        if isinstance(node, exp.Window):
            if message := _refused_window(node):
                yield node, message
        elif str(node.args.get("unit")).upper().startswith("WEEK"):
            message = "DATEDIFF of weeks depends on the day that a week begins on: write "
            yield node, message + "DATEDIFF(day, DATE_TRUNC('week', a), DATE_TRUNC('week', b)) / 7"


def _refused_window(window: exp.Window) -> str:
    """Why Redshift would not run a window; empty if it would."""
    from sqlglot import exp

    frame, inner = window.args.get("spec"), window.this
    while isinstance(inner, exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup | exp.Filter):
        inner = inner.this
    places = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.PercentRank, exp.CumeDist)
    if isinstance(inner, (*places, exp.Lag, exp.Lead, exp.Anonymous, exp.GroupConcat)):
        return ""
    if frame and str(frame.args.get("kind")).upper() != "ROWS":
        return "Redshift knows no RANGE in a window: write ROWS BETWEEN ..."
    if window.args.get("order") and not frame:
        name = inner.sql("redshift").partition("(")[0]
        message = f"Redshift wants a frame behind ORDER BY in the window of {name}: write "
        return message + "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW, or what is meant"
    return ""
