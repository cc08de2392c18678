"""Where a key stands in a TOML file: the parser of Python tells no places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Keys = tuple[str, ...]
_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*\[{{1,2}}\s*({_DOTTED})\s*\]{{1,2}}\s*(?:#.*)?$")
_ENTRY = re.compile(rf"\s*({_DOTTED})\s*=")


class Places:
    """The places of the keys and tables of a TOML file."""

    def __init__(self, text: str) -> None:
        self.lines: Sequence[str] = text.splitlines()
        self._names = list(self._read())

    def of(self, keys: Keys) -> tuple[int, int]:
        """The line and column where a key or a table is named, or what is nearest to it.

        :param keys: all names from the root: `("tool", "etl", "lint", "ignore")`.
        """
        within = {names: place for place, names in reversed(self._names)}
        if keys in within:
            return within[keys]
        if keys[:-1] in within:  # lint = {ignore = ["W402"]}
            line, column = within[keys[:-1]]
            name = re.compile(rf"(?<![\w-])[\"']?{re.escape(keys[-1])}[\"']?\s*[.=]")
            if match := name.search(self.lines[line - 1], column):
                return line, match.start() + 1
        for length in range(len(keys), 0, -1):
            for names, place in sorted(within.items(), key=lambda item: item[1]):
                if names[:length] == keys[:length]:
                    return place
        return 1, 1

    def _read(self) -> Iterator[tuple[tuple[int, int], Keys]]:
        """Each header and entry: its line and column, and its names from the root on."""
        table: Keys = ()
        for number, line in enumerate(self.lines, 1):
            if match := _HEADER.match(line):
                table = _parts(match[1])
                yield (number, match.start(1) + 1), table
            elif match := _ENTRY.match(line):
                yield (number, match.start(1) + 1), (*table, *_parts(match[1]))


def _parts(dotted: str) -> Keys:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))
