"""Rules about SQL that DAG files run on Redshift themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import ApartRule, Fact
from etl_framework.lint.rules.dags import PATTERNS, called, dag_files
from etl_framework.project.project import Project
from etl_framework.sql.template_names import line_and_column

OPERATOR = "RedshiftSqlOperator"


class Statements(ApartRule):
    """A statement in a DAG file is one that Redshift takes and that can be undone.

    MERGE's target cannot have an alias there, and TRUNCATE commits what the transaction has done.
    """

    codes = ("E504",)
    reads = PATTERNS

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        for path, source, tree in dag_files(project.root, OPERATOR):
            for node in ast.walk(tree):
                if not isinstance(node, ast.Call) or called(node) != OPERATOR:
                    continue
                for keyword in node.keywords:
                    text = keyword.value
                    if keyword.arg != "sql" or not isinstance(text, ast.Constant):
                        continue
                    written = ast.get_source_segment(source, text) or ""
                    for offset, message, hint in _problems(written):
                        line, column = line_and_column(written, offset)
                        column += text.col_offset if line == 1 else 0
                        line += text.lineno - 1
                        yield Diagnostic(path, line, column, "E504", message, hint)


def _problems(written: str) -> Iterator[tuple[int, str, str]]:
    """Return the problems of a statement, by offsets in the Python source."""
    import sqlglot

    start = len(written) - len(written.lstrip("rRbBfFuU'\""))
    try:
        tokens = sqlglot.tokenize(written[start:].rstrip("'\""), read="redshift")
    except sqlglot.errors.SqlglotError:
        return
    words = [token.text.upper() for token in tokens]
    if words[:2] == ["MERGE", "INTO"] and "USING" in words:
        between = tokens[2 : words.index("USING")]
        named = [token for token in between if token.text != "."]
        dots = sum(token.text == "." for token in between)
        extra = named[dots + 1 :]
        if extra:
            hint = (
                f"take '{' '.join(token.text for token in extra)}' out, and name the table itself"
            )
            yield (
                start + extra[0].start,
                "the target of Redshift's MERGE cannot have an alias",
                hint,
            )
    if words[:1] == ["TRUNCATE"]:
        message = "TRUNCATE commits: what the transaction did before stays when the rest fails"
        yield start + tokens[0].start, message, "write DELETE FROM"
