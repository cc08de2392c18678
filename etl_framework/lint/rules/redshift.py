"""Rules about SQL that other engines have and Redshift does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.lint.sql_base import Query, queries_of
from etl_framework.project.project import Project
from etl_framework.sql.blame import first_offset

# Missing functions, and what to write instead. Source: Redshift's Database Developer Guide,
# "Unsupported PostgreSQL functions" and "Unsupported PostgreSQL features".
FUNCTIONS = {
    "string_agg": "LISTAGG(..., ', ') WITHIN GROUP (ORDER BY ...)",
    "group_concat": "LISTAGG(..., ', ') WITHIN GROUP (ORDER BY ...)",
    "array_agg": "LISTAGG(...), or one row for each value",
    "list": "LISTAGG(...), or one row for each value",
    "every": "MIN(CASE WHEN ... THEN 1 ELSE 0 END) = 1",
    "ifnull": "COALESCE(..., ...)",
    "if": "CASE WHEN ... THEN ... ELSE ... END",
    "iif": "CASE WHEN ... THEN ... ELSE ... END",
    "div": "a / b, which is whole for integers",
    "generate_series": "a source with the rows, or a recursive WITH",
    "unnest": "one row for each value in the source",
    "bit_length": "OCTET_LENGTH(...) * 8",
    "overlay": "LEFT(...) || ... || SUBSTRING(...)",
    "regexp_matches": "REGEXP_SUBSTR(...)",
    "regexp_extract": "REGEXP_SUBSTR(...)",
    "regexp_split_to_table": "SPLIT_PART(...)",
    "regexp_split_to_array": "SPLIT_PART(...)",
    "string_split": "SPLIT_PART(...)",
    "strftime": "TO_CHAR(..., 'YYYY-MM-DD')",
    "date_format": "TO_CHAR(..., 'YYYY-MM-DD')",
    "strptime": "TO_TIMESTAMP(..., 'YYYY-MM-DD HH24:MI:SS')",
    "epoch": "EXTRACT(EPOCH FROM ...)",
    "safe_divide": "a / NULLIF(b, 0)",
    "countif": "SUM(CASE WHEN ... THEN 1 ELSE 0 END)",
    "count_if": "SUM(CASE WHEN ... THEN 1 ELSE 0 END)",
    "arg_max": "ROW_NUMBER() OVER (... ORDER BY ... DESC) = 1",
    "arg_min": "ROW_NUMBER() OVER (... ORDER BY ...) = 1",
    "max_by": "ROW_NUMBER() OVER (... ORDER BY ... DESC) = 1",
    "min_by": "ROW_NUMBER() OVER (... ORDER BY ...) = 1",
    "mode": "ROW_NUMBER() OVER (... ORDER BY COUNT(*) DESC, ...) = 1",
    "corr": "",
    "covar_pop": "",
    "covar_samp": "",
    "regr_slope": "",
    "regr_intercept": "",
    "regr_r2": "",
    "regr_count": "",
    "regr_avgx": "",
    "regr_avgy": "",
    "width_bucket": "",
    "justify_days": "",
    "justify_hours": "",
    "justify_interval": "",
    "setseed": "",
}


# Consecutive words, the index of the word to point at, their name, and what to write instead.
WORDS = [
    (") filter ( where", 1, "FILTER (WHERE ...)", "SUM(CASE WHEN ... THEN ... END)"),
    ("is distinct from", 1, "IS DISTINCT FROM", "a <> b OR (a IS NULL) <> (b IS NULL)"),
    ("is not distinct from", 2, "IS NOT DISTINCT FROM", "a = b OR (a IS NULL AND b IS NULL)"),
    ("distinct on (", 0, "DISTINCT ON", "ROW_NUMBER() OVER (...) = 1"),
    ("except all", 0, "EXCEPT ALL", "EXCEPT"),
    ("intersect all", 0, "INTERSECT ALL", "INTERSECT"),
    ("lateral (", 0, "LATERAL", "a join"),
    ("( values (", 1, "VALUES as a table", "SELECT ... UNION ALL SELECT ..."),
    ("tablesample", 0, "TABLESAMPLE", "WHERE over a hash of a key"),
    ("semi join", 0, "SEMI JOIN", "EXISTS"),
    ("anti join", 0, "ANTI JOIN", "NOT EXISTS"),
    ("asof join", 0, "ASOF JOIN", "ROW_NUMBER() OVER (...) = 1"),
]

_SUSPECT = re.compile(
    rf"(?i)\b(?:(?:{'|'.join(FUNCTIONS)})\s*\(|filter|distinct\s+(?:from|on)|except\s+all|values"
    r"|intersect\s+all|lateral|tablesample|(?:semi|anti|asof)\s+join)"
)


class MissingInRedshift(Rule):
    """A query uses what Redshift has: else it runs on this machine and fails in the cluster."""

    codes = ("E416",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for query in queries_of(checked):
                rendered = query.rendered
                for offset, what, instead in {*_spelled(rendered.sql), *_windows(query)}:
                    hint = f"write {instead}" if instead else ""
                    yield rendered.diagnostic(offset, "E416", f"Redshift has no {what}", hint)


def _spelled(sql: str) -> Iterator[tuple[int, str, str]]:
    """Return offset, name and replacement of what the text spells; a tree has no spelling."""
    import sqlglot

    if not _SUSPECT.search(sql):
        return
    tokens = sqlglot.tokenize(sql, read="redshift")
    quoted = (sqlglot.TokenType.STRING, sqlglot.TokenType.IDENTIFIER)
    words = [  # a token such as "DISTINCT FROM" is two words
        (token.start + at.start(), at[0])
        for token in tokens
        for at in re.finditer(r"\S+", "''" if token.token_type in quoted else token.text.lower())
    ]
    texts = [word for _, word in words]
    for index, (start, word) in enumerate(words):
        called = texts[index + 1 : index + 2] == ["("] and texts[index - 1 : index] != ["."]
        if called and word in FUNCTIONS:
            yield start, f"function {word.upper()}", FUNCTIONS[word]
        for written, at, what, instead in WORDS:
            if (
                word == written.split()[0]
                and texts[index:][: len(written.split())] == written.split()
            ):
                yield words[index + at][0], what, instead


def _windows(query: Query) -> Iterator[tuple[int, str, str]]:
    from sqlglot import exp

    for node in query.find_all(exp.Window):
        if isinstance(node.this, exp.AggFunc) and isinstance(node.this.this, exp.Distinct):
            what, instead = "DISTINCT in a window", "a subquery with GROUP BY"
            yield first_offset(node), what, instead
