"""What else is wrong with SQL that does not parse."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.sql.dialect import SqlSyntaxError, parse

PLAIN = "SELECT 1"


def syntax_errors(sql: str, first: SqlSyntaxError) -> list[SqlSyntaxError]:
    """One error for each SELECT in brackets that has one, and one for what is around them.

    Each is read by itself, inner ones first; one that is wrong is then taken for a plain one, and
    what is around it goes on. Where brackets do not match nothing but `first` is known.

    :param first: what reading all of it has found.
    """
    errors, around = [first], True
    for start, end in _bracketed(sql):
        wrong = _error(sql[start:end])
        if wrong is None or end - start < len(PLAIN):
            continue
        if around and start <= first.offset <= end:
            around = False  # it is this one's
        else:
            errors.append(SqlSyntaxError(start + wrong.offset, str(wrong)))
        sql = sql[:start] + PLAIN.ljust(end - start) + sql[end:]
    if not around and (wrong := _error(sql)):
        errors.append(wrong)
    return errors


def _error(sql: str) -> SqlSyntaxError | None:
    try:
        parse(sql)
    except SqlSyntaxError as error:
        return error
    return None


def _bracketed(sql: str) -> Iterator[tuple[int, int]]:
    """Where each SELECT in brackets begins and ends, inner ones first; none if some are open."""
    import sqlglot

    found, opened = [], list[int]()
    try:
        tokens = sqlglot.tokenize(sql, read="redshift")
    except sqlglot.errors.SqlglotError:
        return
    for index, token in enumerate(tokens):
        if token.text == "(":
            opened.append(index)
        elif token.text == ")":
            if not opened:
                return
            before = opened.pop()
            if tokens[before + 1].text.upper() in ("SELECT", "WITH"):
                found.append((tokens[before].end + 1, token.start))
    if not opened:
        yield from found
