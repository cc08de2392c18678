"""Changes of a file's text at places that diagnostics name; all else stays byte by byte."""

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
    """A stretch of a file that becomes another text.

    :param line, column: from 1, where the stretch starts, as in a diagnostic.
    :param old: what must stand there.
    """

    path: str
    line: int
    column: int
    old: str
    new: str

    @property
    def what(self) -> str:
        """What it does, in words."""
        return f"'{self.old}' -> '{self.new}'" if self.new else f"took out '{self.old.strip()}'"


def apply_edits(root: Path, edits: Iterable[Edit]) -> list[Edit]:
    """Change the files; those that were done, in order.

    One that overlaps another, or whose text is not there, is left for the next time.

    :param root: without links in it.
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
    """A file's text; "" of one that is no text, or is not in the project's folder."""
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
    """Where a place is in a text with any line ends, and perhaps a mark of byte order."""
    start = 0
    for _ in range(line - 1):
        found = _LINE.match(text, start)
        start = found.end() if found else start
    return start + column - 1 + (line == 1 and text.startswith("\ufeff"))
