"""Put NULLIF around the divisors that may be zero, as W403 reports them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked
from etl_framework.lint.edits import Edit
from etl_framework.sql.blame import first_offset

if TYPE_CHECKING:
    from sqlglot import Token


def guards(
    files: Iterable[Checked], problems: Iterable[Diagnostic]
) -> Iterator[tuple[Diagnostic, Edit]]:
    """Return each W403 with its edit, if the divisor is written in the template itself."""
    import sqlglot
    from sqlglot import exp

    by_place = {
        (diagnostic.path, diagnostic.line, diagnostic.column): diagnostic
        for diagnostic in problems
        if diagnostic.code == "W403"
    }
    for checked in files:
        for rendered, tree in checked.compilation.trees.values():
            for node in tree.find_all(exp.Div) if by_place else ():
                offset = first_offset(node.right)
                problem = by_place.get(rendered.where(offset))
                if problem is None:
                    continue
                tokens = sqlglot.tokenize(rendered.sql, read="redshift")
                start, end = _operand(tokens, offset)
                text = rendered.written(start, end)
                if text:
                    inner = text[1:-1] if _in_brackets(text) else text
                    place = rendered.place(start)
                    yield problem, Edit(rendered.path, *place, text, f"NULLIF({inner}, 0)")


def _operand(tokens: Sequence[Token], offset: int) -> tuple[int, int]:
    """Return where the operand after the last division sign before an offset begins and ends."""
    slashes = [index for index, t in enumerate(tokens) if t.text == "/" and t.start < offset]
    if not slashes:
        return 0, 0
    first = at = slashes[-1] + 1
    if tokens[at].text in ("-", "+"):
        at += 1
    if tokens[at].text.upper() == "CASE":
        return 0, 0
    at = _behind_brackets(tokens, at) if tokens[at].text == "(" else at + 1
    while (at < len(tokens) and tokens[at].text in (".", "(", "::")) or _word(tokens, at) == "OVER":
        if tokens[at].text == "(":
            at = _behind_brackets(tokens, at)
        elif _word(tokens, at) == "OVER":
            at += 1
        else:
            at += 2
    return tokens[first].start, tokens[at - 1].end + 1


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text.upper() if at < len(tokens) else ""


def _behind_brackets(tokens: Sequence[Token], at: int) -> int:
    depth = 0
    while at < len(tokens):
        depth += (tokens[at].text == "(") - (tokens[at].text == ")")
        at += 1
        if depth == 0:
            break
    return at


def _in_brackets(text: str) -> bool:
    """Return whether one pair of brackets encloses the whole text."""
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return index == len(text) - 1 and letter == ")"
    return False
