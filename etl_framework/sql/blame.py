"""Find the place in the SQL as written that an engine's error about its translation is about."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

_DUCKDB = re.compile(r"\nLINE (\d+): (.*)\n( *)\^")
_SQLGLOT = re.compile(r"'(?P<name>[^']*)'.*Line: (?P<line>\d+), Col: (?P<column>\d+)")
_FUNCTION = re.compile(r"(?:arguments? types '|[Ff]unction with name )(\w+)")
# Names in sqlglot's messages, and other names that SQL may use for the same.
_ALSO = {"EXTRACT": ("DATE_PART", "PGDATE_PART")}
_NAME = re.compile(r'"?\w+"?(?:\."?\w+"?)*|\S')


class UntranslatableError(Exception):
    """One node of a tree cannot be translated; holds its offset and a message."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


def blamed(error: BaseException | None, written: str, ran: str) -> int:
    """The offset of what an error is about; 0 if the error does not say.

    DuckDB gives a place in the translated SQL (`ran`). If the word there is the third of its kind,
    the result is the place of the third such word in the SQL as written.
    """
    if isinstance(error, UntranslatableError):
        return error.offset
    text = str(error) if error else ""
    if match := _SQLGLOT.search(text):
        before = written.split("\n")[: int(match["line"]) - 1]
        return sum(len(line) + 1 for line in before) + int(match["column"]) - len(match["name"])
    if match := _DUCKDB.search(text):
        number, shown, caret = int(match[1]), match[2], len(match[3]) - len(f"LINE {match[1]}: ")
        return _same_word(written, ran, _offset(ran, number, shown, caret))
    named = [*_FUNCTION.findall(text), *re.findall(r"\b[A-Z_]{4,}\b", text)]
    known = (name for word in named for name in (word, *_ALSO.get(word, ())))
    return next((at for name in known if (at := _nth(written, name, 0))), 0)


def _offset(ran: str, number: int, shown: str, caret: int) -> int:
    """The offset of a caret below a line that may be shown without its start and end."""
    lines = ran.split("\n")
    if number == 1:
        shown, caret = shown.removeprefix("DESCRIBE "), caret - len("DESCRIBE ")
    if shown.startswith("..."):
        shown, caret = shown[3:], caret - 3
    line = lines[number - 1] if number <= len(lines) else ""
    start = max(line.find(shown.removesuffix("...")), 0)
    return sum(len(text) + 1 for text in lines[: number - 1]) + start + max(caret, 0)


def _same_word(written: str, ran: str, offset: int) -> int:
    word = _NAME.match(ran, offset)
    if word is None:
        return 0
    in_written, in_ran = _counts(written), _counts(ran)
    while word is not None:
        name = (word[0].rpartition(".")[2].strip('"') or word[0]).lower()
        # `CAST(t.s AS DATE)` may be written `s::date`: then the next word tells the place.
        is_other = name == "cast" and in_written[name] != in_ran[name]
        if in_written[name] and not is_other and (name.isidentifier() or word.start() == offset):
            before = sum(1 for at, text in _words(ran) if text == name and at < word.end()) - 1
            return _nth(written, name, before)
        word = _NAME.search(ran, word.end())
    return 0


def _counts(sql: str) -> Counter[str]:
    return Counter(text for _, text in _words(sql))


def _nth(written: str, name: str, index: int) -> int:
    """The offset of a word's occurrence number `index`, or of the last one; 0 if there is none."""
    places = [start for start, text in _words(written) if text == name.lower()]
    return places[min(index, len(places) - 1)] if places else 0


def _words(sql: str) -> list[tuple[int, str]]:
    import sqlglot

    try:
        return [(t.start, t.text.lower()) for t in sqlglot.tokenize(sql, read="redshift")]
    except sqlglot.errors.SqlglotError:
        return []


def first_offset(node: exp.Expr) -> int:
    """The offset of a node's first word, or, if none is known, that of the node around it."""
    around: exp.Expr | None = node
    while around is not None:
        starts = [int(n.meta["start"]) for n in around.walk() if n.meta.get("start") is not None]
        if starts:
            return min(starts)
        around = around.parent
    return 0
