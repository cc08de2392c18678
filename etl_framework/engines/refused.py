"""What DuckDB says of SQL that it refuses, in one sentence, with the word that it points at."""

from __future__ import annotations

import re

from etl_framework.errors import PlanError

_PLACE = re.compile(r"^(LINE (\d+): )(.*)\n( *)\^", re.MULTILINE)
_HINTS = (
    ("must appear in the GROUP BY", "add it to GROUP BY, or write an aggregate such as MAX(...)"),
    ("No function matches", "CAST the arguments to the types that it takes"),
    ("Cannot compare", "CAST one side to the type of the other"),
)


class RefusedError(PlanError):
    """DuckDB refuses a query.

    :param word: the word that it points at, or empty.
    :param nth: how often the word stands before that.
    """

    def __init__(self, error: Exception, sql: str) -> None:
        text = str(error)
        near = re.search(r'Did you mean "([^"]+)"', text)
        found = (hint for part, hint in _HINTS if part in text)
        hint = f"did you mean '{near[1]}'?" if near else next(found, "")
        super().__init__(sentence(text), hint)
        self.word, self.nth = _pointed_at(text, sql)

    def offset_in(self, written: str) -> int:
        """Where the word stands in the SQL as it was written; 0 if it does not."""
        places = [found.start() for found in _all(self.word, written)] if self.word else []
        return places[min(self.nth, len(places) - 1)] if places else 0


def sentence(text: str) -> str:
    """DuckDB's message without its class, its candidates and its copy of the query."""
    first = text.split("\n")[0]
    return first.partition("Error: ")[2] or first


def _pointed_at(text: str, sql: str) -> tuple[str, int]:
    place, lines = _PLACE.search(text), sql.split("\n")
    if not place or int(place[2]) > len(lines):
        return "", 0
    line, shown = lines[int(place[2]) - 1], place[3]
    column = len(place[4]) - len(place[1])
    if shown.startswith("..."):
        part = shown[3:].removesuffix("...")
        column += line.find(part) - 3
    named = re.match(r'[\w."]+', line[max(column, 0) :])
    if not named:
        return "", 0
    word = named[0].replace('"', "").rpartition(".")[2]
    offset = sum(len(each) + 1 for each in lines[: int(place[2]) - 1]) + column
    return word, sum(found.start() < offset for found in _all(word, sql))


def _all(word: str, sql: str) -> list[re.Match[str]]:
    return list(re.finditer(rf"\b{re.escape(word)}\b", sql, re.IGNORECASE))
