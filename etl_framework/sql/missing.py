"""Find what other engines have in SQL and Redshift has not: it would run here and fail there.

Sources: Redshift's Database Developer Guide, "Unsupported PostgreSQL features", "SELECT", "CONCAT
function"; what DuckDB and sqlglot read besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from etl_framework.sql.blame import first_offset
from etl_framework.sql.functions import called, unknown_functions, wrong_call
from etl_framework.sql.parser import words
from etl_framework.sql.scope import ScopeProblem

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

# Consecutive words (`?`: any), the index of the word to point at, their name, and what to write
# instead.
WORDS = [
    (") filter ( where", 1, "FILTER (WHERE ...)", "SUM(CASE WHEN ... THEN ... END)"),
    ("is distinct from", 1, "IS DISTINCT FROM", "a <> b OR (a IS NULL) <> (b IS NULL)"),
    ("is not distinct from", 2, "IS NOT DISTINCT FROM", "a = b OR (a IS NULL AND b IS NULL)"),
    ("distinct on (", 0, "DISTINCT ON", "ROW_NUMBER() OVER (...) = 1"),
    ("except all", 0, "EXCEPT ALL", "EXCEPT"),
    ("intersect all", 0, "INTERSECT ALL", "INTERSECT"),
    ("union by name", 1, "UNION BY NAME", "the columns in one order"),
    ("union all by name", 2, "UNION BY NAME", "the columns in one order"),
    ("lateral (", 0, "LATERAL", "a join"),
    ("( values (", 1, "VALUES as a table", "SELECT ... UNION ALL SELECT ..."),
    ("tablesample", 0, "TABLESAMPLE", "WHERE over a hash of a key"),
    ("using sample", 0, "USING SAMPLE", "WHERE over a hash of a key"),
    ("semi join", 0, "SEMI JOIN", "EXISTS"),
    ("anti join", 0, "ANTI JOIN", "NOT EXISTS"),
    ("asof join", 0, "ASOF JOIN", "ROW_NUMBER() OVER (...) = 1"),
    ("positional join", 0, "POSITIONAL JOIN", "ROW_NUMBER() OVER (...) on both sides"),
    ("fetch first", 0, "FETCH FIRST", "LIMIT"),
    ("fetch next", 0, "FETCH NEXT", "LIMIT"),
    ("limit ? %", 2, "percent in LIMIT", "a number of rows, or NTILE(100) OVER (...)"),
    ("limit ? ,", 2, "comma in LIMIT", "LIMIT rows OFFSET skipped"),
    ("limit ? percent", 2, "percent in LIMIT", "a number of rows, or NTILE(100) OVER (...)"),
    ("window ? as (", 0, "WINDOW", "the window behind each OVER"),
    (", from", 0, "comma before FROM", "the columns without it"),
    (", )", 0, "comma before a bracket", "the list without it"),
    ("==", 0, "operator ==", "="),
    ("//", 0, "operator //", "a / b, which is whole for integers"),
    ("/ /", 0, "operator //", "a / b, which is whole for integers"),
    ("**", 0, "operator **", "POWER(a, b)"),
    ("* *", 0, "operator **", "POWER(a, b)"),
    ("->", 0, "operator ->", "JSON_EXTRACT_PATH_TEXT(a, 'name')"),
    ("->>", 0, "operator ->>", "JSON_EXTRACT_PATH_TEXT(a, 'name')"),
    ("~*", 0, "operator ~*", "LOWER(a) ~ 'pattern'"),
    ("!~*", 0, "operator !~*", "LOWER(a) !~ 'pattern'"),
    ("current_timestamp", 0, "CURRENT_TIMESTAMP", "{{ interval.end }}, or GETDATE()"),
    ("localtimestamp", 0, "LOCALTIMESTAMP", "{{ interval.end }}, or GETDATE()"),
    ("current_time", 0, "CURRENT_TIME", "CAST(GETDATE() AS TIME)"),
    ("localtime", 0, "LOCALTIME", "CAST(GETDATE() AS TIME)"),
    (":: string", 1, "type STRING", "VARCHAR"),
    ("( from", 1, "FROM before SELECT", "SELECT ... FROM ..."),
    ("between symmetric", 1, "BETWEEN SYMMETRIC", "BETWEEN LEAST(a, b) AND GREATEST(a, b)"),
    # `INTERVAL '30' DAYS` is half a minute that is called "days".
    *((f"interval '' {unit}", 0, f"{unit.upper()} behind INTERVAL", f"INTERVAL '30 {unit}'")
      for unit in ("years", "quarter", "quarters", "months", "week", "weeks", "days", "hours",
                   "minutes", "seconds")),
]  # fmt: skip


_NODES = {
    "Struct": ("literal of a STRUCT", "the values as columns"),
    "Lambda": ("function of its own", "one row for each value"),
    "Glob": ("GLOB", "a LIKE 'b%'"),
}
# Redshift's types that DuckDB has too, or refuses by itself, as sqlglot names them.
_NAMES_OF_TYPES = """
    SMALLINT INT BIGINT DECIMAL FLOAT DOUBLE BOOLEAN CHAR NCHAR BPCHAR VARCHAR NVARCHAR TEXT DATE
    TIMESTAMP TIMESTAMPNTZ TIMESTAMPTZ DATETIME TIME TIMETZ SUPER VARBINARY HLLSKETCH GEOMETRY
    GEOGRAPHY INTERVAL
"""
_TYPES = frozenset(_NAMES_OF_TYPES.split())
_TYPE_INSTEAD = {
    "TINYINT": "SMALLINT", "UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINT": "BIGINT",
    "UBIGINT": "DECIMAL(20,0)", "INT128": "DECIMAL(38,0)", "UUID": "VARCHAR(36)",
    "JSON": "VARCHAR(65535)",
}  # fmt: skip


def missing(sql: str, tree: exp.Expr) -> Iterator[ScopeProblem]:
    """Everything in a query that Redshift has not.

    :param sql: the text that the tree was made of; a tree does not keep how it is spelled.
    """
    tokens = words(sql)
    yield from unknown_functions(tokens, tree)
    yield from map(_problem, sorted({*_spelled(tokens), *_forms(tree)}))


def misspelt(sql: str) -> list[ScopeProblem]:
    """What Redshift has not in a text that does not parse."""
    tokens = words(sql)
    calls = (wrong_call(tokens, *call) for call in called(tokens))
    problems = [*filter(None, calls), *map(_problem, _spelled(tokens))]
    return sorted(problems, key=lambda problem: problem.offset)


def _problem(found: tuple[int, str, str]) -> ScopeProblem:
    offset, what, instead = found
    hint = f"write {instead}" if instead else ""
    return ScopeProblem(offset, "E416", f"Redshift has no {what}", hint)


def _spelled(tokens: Sequence[Token]) -> Iterator[tuple[int, str, str]]:
    """Offset, name and replacement of what the text spells."""
    import sqlglot

    quoted = (sqlglot.TokenType.STRING, sqlglot.TokenType.IDENTIFIER)
    spelled = [  # a token such as "DISTINCT FROM" is two words
        (token.start + at.start(), at[0])
        for token in tokens
        for at in re.finditer(r"\S+", "''" if token.token_type in quoted else token.text.lower())
    ]
    for token, following in pairwise(tokens):
        number = following.token_type == sqlglot.TokenType.NUMBER
        if token.token_type == sqlglot.TokenType.INTERVAL and number:
            instead = f"INTERVAL '{following.text} days', with the unit in the quotes"
            yield token.start, "INTERVAL of a number without quotes", instead
    texts = [word for _, word in spelled]
    for index, word in enumerate(texts):
        if word == "string" and texts[index - 1] == "as" and _in_cast(texts, index):
            yield spelled[index][0], "type STRING", "VARCHAR"
    if texts[:1] == ["from"]:
        yield spelled[0][0], "FROM before SELECT", "SELECT ... FROM ..."
    for index, word in enumerate(texts):
        for written, at, what, instead in _BY_FIRST.get(word, ()):
            here = texts[index : index + len(written)]
            if len(here) == len(written) and all(
                w in ("?", t) for w, t in zip(written, here, strict=True)
            ):
                yield spelled[index + at][0], what, instead


def _in_cast(texts: Sequence[str], index: int) -> bool:
    """Whether the brackets around a word are those of a CAST."""
    depth = 0
    for before in range(index - 1, 0, -1):
        depth += (texts[before] == ")") - (texts[before] == "(")
        if depth < 0:
            return texts[before - 1] in ("cast", "try_cast")
    return False


def _forms(tree: exp.Expr) -> Iterator[tuple[int, str, str]]:
    """The same of what the tree shows."""

    for node in tree.walk():
        if what := _form(node):
            yield first_offset(node), *what


def _form(node: exp.Expr) -> tuple[str, str] | None:
    """The name and replacement of what one node shows; None if Redshift has it."""
    from sqlglot import exp

    if isinstance(node, exp.Window):
        if isinstance(node.this, exp.AggFunc) and isinstance(node.this.this, exp.Distinct):
            return "DISTINCT in a window", "a subquery with GROUP BY"
    elif type(node) is exp.Concat and len(node.expressions) > 2:
        return "CONCAT of more than two values", "a || b || c"
    elif isinstance(node, exp.Sum | exp.Avg):
        if isinstance(node.this.unnest(), exp.Predicate | exp.Connector | exp.Not):
            name = node.key.upper()
            return f"{name} of a condition", f"{name}(CASE WHEN ... THEN 1 ELSE 0 END)"
    elif isinstance(node, exp.Cast) and node.to.this.name not in _TYPES:
        name = node.to.sql("duckdb")
        nested = name.endswith(("]", ")"))
        instead = "one row for each value" if nested else "VARCHAR, or a number's type"
        return f"type {name}", _TYPE_INSTEAD.get(node.to.this.name, instead)
    elif isinstance(node, exp.Struct | exp.Lambda | exp.Glob):
        return _NODES[type(node).__name__]
    elif isinstance(node, exp.Like | exp.ILike) and isinstance(node.expression, exp.Any | exp.All):
        return "LIKE ANY", "a LIKE 'b' OR a LIKE 'c'"
    elif isinstance(node, exp.With) and node.args.get("recursive"):
        return _recursive(node)
    elif isinstance(node, exp.Star) and (node.args.get("replace") or node.args.get("rename")):
        return "REPLACE or RENAME behind a star", "the columns, one by one"
    return None


def _recursive(node: exp.With) -> tuple[str, str] | None:
    """What a recursive WITH shows that Redshift has not."""
    from sqlglot import exp

    if node.parent and node.parent.parent:
        return "WITH RECURSIVE in a subquery", "it at the start of the query"
    for cte in node.expressions:
        refers = any(table.name == cte.alias for table in cte.this.find_all(exp.Table))
        if refers and not cte.args["alias"].columns:
            return "recursive WITH without names of its columns", f"{cte.alias} (a, b) AS (...)"
        if refers and any(cte.this.args.get(key) for key in ("order", "limit")):
            return "ORDER BY or LIMIT in a recursive WITH", "it in the query that reads it"
    return None


def _by_first() -> dict[str, list[tuple[list[str], int, str, str]]]:
    by_first: dict[str, list[tuple[list[str], int, str, str]]] = {}
    for written, at, what, instead in WORDS:
        words = written.split()
        by_first.setdefault(words[0], []).append((words, at, what, instead))
    return by_first


_BY_FIRST = _by_first()
