"""Edit files at places that diagnostics name; the rest of a file stays byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from etl_framework.errors import ConfigError
from etl_framework.project.paths import read_inside

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


@dataclass(frozen=True, order=True)
class Edit:
    """A replacement of one text in a file by another.

    :param line, column: where the old text starts, from 1, as in a diagnostic.
    :param old: the text that must stand there.
    """

    path: str
    line: int
    column: int
    old: str
    new: str

    @property
    def what(self) -> str:
        """The edit in words."""
        return f"'{self.old}' -> '{self.new}'" if self.new else f"took out '{self.old.strip()}'"


def apply_edits(root: Path, edits: Iterable[Edit]) -> list[Edit]:
    """Apply edits to the files, and return the applied edits in order.

    An edit that overlaps another, or whose old text is not there, is skipped.

    :param root: the project's folder, without links in its path.
    :raises ConfigError: a file cannot be written.
    """
    done: list[Edit] = []
    by_path: dict[str, set[Edit]] = {}
    for edit in edits:
        by_path.setdefault(edit.path, set()).add(edit)
    for path, mine in sorted(by_path.items()):
        text = _text(root, path)
        pieces, position = [], 0
        for edit in sorted(mine):
            start = offset_of(text, edit.line, edit.column)
            if start < position or text[start : start + len(edit.old)] != edit.old:
                continue
            pieces += [text[position:start], edit.new]
            position = start + len(edit.old)
            done.append(edit)
        pieces.append(text[position:])
        if len(pieces) > 1:
            _write(root / path, "".join(pieces))
    return done


def _text(root: Path, path: str) -> str:
    """Return a file's text; "" if it is no text or not in the project's folder."""
    try:
        return (read_inside(root, path) or b"").decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _write(file: Path, text: str) -> None:
    try:
        file.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be written: {error.strerror}") from error


def offset_of(text: str, line: int, column: int) -> int:
    """Return the offset of a place in a text with any line ends, with or without a BOM."""
    start = 0
    for _ in range(line - 1):
        match = _LINE.match(text, start)
        start = match.end() if match else start
    return start + column - 1 + (line == 1 and text.startswith("\ufeff"))
