"""Find what other engines have in SQL and Redshift has not: it would run here and fail there.

Sources: Redshift's Database Developer Guide, "Unsupported PostgreSQL features", "SELECT", "CONCAT
function"; what DuckDB and sqlglot read besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from etl_framework.sql.blame import first_offset
from etl_framework.sql.functions import unknown_functions
from etl_framework.sql.parser import words
from etl_framework.sql.scope import ScopeProblem

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

# Consecutive words (`*`: any), the index of the word to point at, their name, and what to write
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
    ("limit * %", 2, "percent in LIMIT", "a number of rows, or NTILE(100) OVER (...)"),
    ("limit * percent", 2, "percent in LIMIT", "a number of rows, or NTILE(100) OVER (...)"),
    ("window * as (", 0, "WINDOW", "the window behind each OVER"),
    (", from", 0, "comma before FROM", "the columns without it"),
    (", )", 0, "comma before a bracket", "the list without it"),
    ("==", 0, "operator ==", "="),
    ("//", 0, "operator //", "a / b, which is whole for integers"),
    ("**", 0, "operator **", "POWER(a, b)"),
    ("->", 0, "operator ->", "JSON_EXTRACT_PATH_TEXT(a, 'name')"),
    ("->>", 0, "operator ->>", "JSON_EXTRACT_PATH_TEXT(a, 'name')"),
    ("~*", 0, "operator ~*", "LOWER(a) ~ 'pattern'"),
    ("!~*", 0, "operator !~*", "LOWER(a) !~ 'pattern'"),
    ("between symmetric", 1, "BETWEEN SYMMETRIC", "BETWEEN LEAST(a, b) AND GREATEST(a, b)"),
]  # fmt: skip


def missing(sql: str, tree: exp.Expr) -> Iterator[ScopeProblem]:
    """Everything in a query that Redshift has not.

    :param sql: the text that the tree was made of; a tree does not keep how it is spelled.
    """
    tokens = words(sql)
    yield from unknown_functions(tokens, tree)
    found = {*_spelled(tokens), *_forms(tree)}
    for offset, what, instead in sorted(found):
        hint = f"write {instead}" if instead else ""
        yield ScopeProblem(offset, "E416", f"Redshift has no {what}", hint)


def _spelled(tokens: Sequence[Token]) -> Iterator[tuple[int, str, str]]:
    """Offset, name and replacement of what the text spells."""
    import sqlglot

    quoted = (sqlglot.TokenType.STRING, sqlglot.TokenType.IDENTIFIER)
    spelled = [  # a token such as "DISTINCT FROM" is two words
        (token.start + at.start(), at[0])
        for token in tokens
        for at in re.finditer(r"\S+", "''" if token.token_type in quoted else token.text.lower())
    ]
    texts = [word for _, word in spelled]
    for index, word in enumerate(texts):
        for written, at, what, instead in _BY_FIRST.get(word, ()):
            here = texts[index : index + len(written)]
            if len(here) == len(written) and all(
                w in ("*", t) for w, t in zip(written, here, strict=True)
            ):
                yield spelled[index + at][0], what, instead


def _forms(tree: exp.Expr) -> Iterator[tuple[int, str, str]]:
    """The same of what the tree shows."""
    from sqlglot import exp

    for node in tree.find_all(exp.Window, exp.Concat, exp.Sum, exp.Avg):
        if isinstance(node, exp.Window):
            if isinstance(node.this, exp.AggFunc) and isinstance(node.this.this, exp.Distinct):
                yield first_offset(node), "DISTINCT in a window", "a subquery with GROUP BY"
        elif isinstance(node, exp.Concat):
            if type(node) is exp.Concat and len(node.expressions) > 2:
                yield first_offset(node), "CONCAT of more than two values", "a || b || c"
        elif isinstance(node.this.unnest(), exp.Predicate | exp.Connector | exp.Not):
            name = node.key.upper()
            instead = f"{name}(CASE WHEN ... THEN 1 ELSE 0 END)"
            yield first_offset(node), f"{name} of a condition", instead


def _by_first() -> dict[str, list[tuple[list[str], int, str, str]]]:
    by_first: dict[str, list[tuple[list[str], int, str, str]]] = {}
    for written, at, what, instead in WORDS:
        words = written.split()
        by_first.setdefault(words[0], []).append((words, at, what, instead))
    return by_first


_BY_FIRST = _by_first()
