"""Where in SQL as written belongs what an engine says of its translation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

_DUCKDB = re.compile(r"\nLINE (\d+): (.*)\n( *)\^")
_SQLGLOT = re.compile(r"'(?P<name>[^']*)'.*Line: (?P<line>\d+), Col: (?P<column>\d+)")
_FUNCTION = re.compile(r"(?:arguments? types '|[Ff]unction with name )(\w+)")
# What sqlglot's messages call something, and how else it is written.
_ALSO = {"EXTRACT": ("DATE_PART", "PGDATE_PART")}
_NAME = re.compile(r'"?\w+"?(?:\."?\w+"?)*|\S')


class UntranslatableError(Exception):
    """What is wrong with one node of a tree, and the offset of the node."""

    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        super().__init__(message)


def blamed(error: BaseException | None, written: str, ran: str) -> int:
    """The offset of what an error is about; 0 when it does not tell.

    DuckDB names a place in the SQL that it got: the same word, counted from the start, is looked
    for in the SQL as written.
    """
    if isinstance(error, UntranslatableError):
        return error.offset
    text = str(error) if error else ""
    if found := _SQLGLOT.search(text):
        line = written.split("\n")[: int(found["line"]) - 1]
        return sum(len(each) + 1 for each in line) + int(found["column"]) - len(found["name"])
    if found := _DUCKDB.search(text):
        number, shown, caret = int(found[1]), found[2], len(found[3]) - len(f"LINE {found[1]}: ")
        return _same_word(written, ran, _offset(ran, number, shown, caret))
    named = [*_FUNCTION.findall(text), *re.findall(r"\b[A-Z_]{4,}\b", text)]
    known = (name for each in named for name in (each, *_ALSO.get(each, ())))
    return next((at for name in known if (at := _nth(written, name, 0))), 0)


def _offset(ran: str, number: int, shown: str, caret: int) -> int:
    """The offset of a caret below a line, which may be shown without its ends."""
    lines = ran.split("\n")
    if number == 1:
        shown, caret = shown.removeprefix("DESCRIBE "), caret - len("DESCRIBE ")
    if shown.startswith("..."):
        shown, caret = shown[3:], caret - 3
    line = lines[number - 1] if number <= len(lines) else ""
    start = max(line.find(shown.removesuffix("...")), 0)
    return sum(len(each) + 1 for each in lines[: number - 1]) + start + max(caret, 0)


def _same_word(written: str, ran: str, offset: int) -> int:
    word = _NAME.match(ran, offset)
    if word is None:
        return 0
    name = word[0].rpartition(".")[2].strip('"') or word[0]
    end = offset + len(word[0])
    before = sum(1 for start, text in _words(ran) if text == name.lower() and start < end) - 1
    return _nth(written, name, before)


def _nth(written: str, name: str, index: int) -> int:
    """The offset of a word; of its last occurrence when there are fewer, else 0."""
    places = [start for start, text in _words(written) if text == name.lower()]
    return places[min(index, len(places) - 1)] if places else 0


def _words(sql: str) -> list[tuple[int, str]]:
    import sqlglot

    try:
        return [(t.start, t.text.lower()) for t in sqlglot.tokenize(sql, read="redshift")]
    except sqlglot.errors.SqlglotError:
        return []


def first_offset(node: exp.Expr) -> int:
    """Where the first word of it stands; of one that has no place, where what is around it does."""
    around: exp.Expr | None = node
    while around is not None:
        starts = [int(n.meta["start"]) for n in around.walk() if n.meta.get("start") is not None]
        if starts:
            return min(starts)
        around = around.parent
    return 0
