"""Find more than the first error in SQL that does not parse."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.sql.dialect import SqlSyntaxError, parse

PLAIN = "SELECT 1"


def syntax_errors(sql: str, first: SqlSyntaxError) -> list[SqlSyntaxError]:
    """One error for each SELECT in brackets that is wrong, and one for the query around them.

    Each SELECT is parsed by itself, inner ones first. One that is wrong is then replaced by
    `SELECT 1`, so that the query around it can be parsed. If brackets do not match, the result is
    `first` alone.

    :param first: the error of parsing the whole SQL.
    """
    errors, around = [first], True
    for start, end in _bracketed(sql):
        wrong = _error(sql[start:end])
        if wrong is None or end - start < len(PLAIN):
            continue
        if around and start <= first.offset <= end:
            around = False  # the first error is in this SELECT
        else:
            errors.append(wrong.moved(start))
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
    """The start and end of each SELECT in brackets, inner ones first.

    Nothing if brackets do not match.
    """
    import sqlglot

    places, opened = [], list[int]()
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
                places.append((tokens[before].end + 1, token.start))
    if not opened:
        yield from places
