"""Split SQL into tokens: enough to separate statements and to take clauses out of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from etl_framework.devstack.wire import WireError

# In Redshift a backslash in a text escapes the next character.
_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<text>[eE]?'(?:[^'\\]|''|\\.)*')
    |(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<name>"(?:[^"]|"")*")
    |(?P<word>[#A-Za-z_\u0080-\uffff][\w$#]*)
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
    |(?P<open>['"])
    |(?P<other>::|[<>=!~|&]+|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Word:
    """A token: its text without quotes, `upper` in capitals or empty if quoted, its position."""

    text: str
    upper: str
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """One statement and its tokens."""

    sql: str
    words: tuple[Word, ...]

    def starts(self, *words: str) -> bool:
        """Return whether the statement starts with these words."""
        return tuple(word.upper for word in self.words[: len(words)]) == words

    def between(self, first: int, last: int) -> str:
        """Return the text from the token `first` up to the token `last`, which is not included."""
        if first >= last:
            return ""
        return self.sql[self.words[first].start : self.words[last - 1].end]


def statements(sql: str) -> list[Statement]:
    """Return the statements of a text.

    :raises WireError: a quote is not closed.
    """
    parsed: list[Statement] = []
    words: list[Word] = []
    for word in [*_words(sql), None]:
        if word is not None and word.upper != ";":
            words.append(word)
        elif words:
            offset = words[0].start
            moved = (Word(w.text, w.upper, w.start - offset, w.end - offset) for w in words)
            parsed.append(Statement(sql[offset : words[-1].end], tuple(moved)))
            words = []
    return parsed


def _words(sql: str) -> list[Word]:
    words = []
    for token in _TOKEN.finditer(sql):
        raw, kind = token[0], token.lastgroup
        if kind == "tag":
            kind = "dollar"
        if kind == "open":
            raise WireError("unterminated quoted string", "42601")
        if kind == "text":
            inner = raw[raw.index("'") + 1 : -1]
            text = re.sub(r"\\(.)", _escaped, inner.replace("''", "'"), flags=re.DOTALL)
            words.append(Word(text, "", *token.span()))
        elif kind == "dollar":
            mark = len(token["tag"]) + 2
            words.append(Word(raw[mark:-mark], "", *token.span()))
        elif kind == "name":
            words.append(Word(raw[1:-1].replace('""', '"'), "", *token.span()))
        elif kind != "space":
            words.append(Word(raw, raw.upper(), *token.span()))
    return words


def _escaped(match: re.Match[str]) -> str:
    return {"t": "\t", "n": "\n", "r": "\r"}.get(match[1], match[1])


def closing(words: Sequence[Word], opening: int) -> int:
    """Return the place of the parenthesis that closes the one at `opening`.

    :raises WireError: the parenthesis is not closed.
    """
    depth = 0
    for place in range(opening, len(words)):
        depth += (words[place].upper == "(") - (words[place].upper == ")")
        if depth == 0:
            return place
    raise WireError("syntax error at end of input", "42601")
