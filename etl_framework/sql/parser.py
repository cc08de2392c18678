"""Read Redshift's SQL where sqlglot reads it otherwise."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

# Functions that sqlglot reads otherwise, with the names under which it reads them as any function.
# Each has the length of its own name, so that all offsets stay right.
AS_READ = {
    "ADD_MONTHS": "ETL_MONTHS", "DATE_PART": "ETL__PART", "PGDATE_PART": "ETL_PG_PART",
    "TO_CHAR": "ETL_CHR", "TO_DATE": "ETL_DAY", "TO_TIMESTAMP": "ETL_MOMENT__",
    "JSON_EXTRACT_PATH_TEXT": "ETL_EXTRACT_PATH_TEXT_",
}  # fmt: skip
_WRITTEN = {read: name for name, read in AS_READ.items()}
# The mark of a DATE_PART, which gives a float with fractions where EXTRACT gives an integer.
AS_FLOAT = "as_float"


def statements(sql: str) -> list[exp.Expr | None]:
    """The tree of every statement of Redshift's SQL.

    ADD_MONTHS keeps the last day of a month and DATEADD does not, but sqlglot treats them as the
    same function; it takes DATE_PART for EXTRACT, and the words of some formats for other words.
    So such functions are renamed for the parser to names that sqlglot does not know.

    :raises SqlglotError: the SQL does not parse.
    """
    from sqlglot import Dialect, exp

    renamed = _renamed(sql)
    reader = Dialect.get_or_raise("redshift").parser()
    trees: list[exp.Expr | None] = list(reader.parse(words(renamed), renamed))
    for tree in trees if renamed is not sql else ():
        _named_back(tree)
    for tree in trees:
        for query in tree.find_all(exp.Select, exp.Subquery) if tree else ():
            _as_others_read(query)
    return trees


def condition(sql: str, read: str = "redshift") -> exp.Expr:
    """The tree of a condition over the columns of one row.

    :raises SqlglotError: the text does not parse, or is more than one condition.
    """
    import sqlglot
    from sqlglot import exp

    written = sql if read == "postgres" else _renamed(sql)
    tree = sqlglot.parse_one(written, read=read, into=exp.Condition)
    _named_back(tree)
    return tree


@lru_cache(maxsize=16)
def words(sql: str) -> list[Token]:
    """The tokens of Redshift's SQL; what reads a query after it was parsed gets them again.

    :raises SqlglotError: a quoted text or a comment does not end.
    """
    import sqlglot

    return sqlglot.tokenize(sql, read="redshift")


def _named_back(tree: exp.Expr | None) -> None:
    """Give the functions that were renamed their own names again, in place."""
    from sqlglot import exp

    for node in list(tree.find_all(exp.Anonymous)) if tree else ():
        name = _WRITTEN.get(str(node.this).upper(), "")
        if made := _node_of(name, node.expressions):
            made.meta.update(node.meta)
            node.replace(made)
        elif name:
            node.set("this", name)


def _node_of(name: str, given: list[exp.Expr]) -> exp.Expr | None:
    """The node that sqlglot has for a function that was renamed; None if it has none."""
    from sqlglot import exp

    if name in ("DATE_PART", "PGDATE_PART") and len(given) == 2:
        part = exp.Extract(this=exp.var(given[0].name.upper()), expression=given[1])
        part.meta[AS_FLOAT] = True
        return part
    kinds = {"TO_CHAR": exp.TimeToStr, "TO_DATE": exp.StrToDate, "TO_TIMESTAMP": exp.StrToTime}
    if name in kinds and len(given) >= 2:
        return kinds[name](this=given[0], format=given[1])
    return None


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
    if not any(name in sql.upper() for name in AS_READ):
        return sql
    for token, following in pairwise(words(sql)):
        called = token.token_type.name == "VAR" and following.text == "("
        if called and (name := AS_READ.get(token.text.upper())):
            sql = sql[: token.start] + name + sql[token.end + 1 :]
    return sql
