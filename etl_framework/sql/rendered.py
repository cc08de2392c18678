"""SQL that was made of a template, and where each part of it stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from etl_framework.errors import Diagnostic
from etl_framework.sql.template_names import line_and_column


@dataclass(frozen=True)
class Rendered:
    """SQL text that can map a place in it back to the place in its template.

    :param stretches: for every stretch of the template's own text, its start in the SQL, its start
        and end in the template, and the number of the file.
    :param macros: path and text of the files with macros, from number 1 on.
    """

    path: str
    source: str
    sql: str
    stretches: list[tuple[int, int, int, int]] = field(repr=False)
    macros: Sequence[tuple[str, str]] = ()

    def where(self, offset: int) -> tuple[str, int, int]:
        """Path, line and column (from 1) of a character of the SQL, in the template or a macro."""
        index = bisect_right(self.stretches, offset, key=lambda stretch: stretch[0]) - 1
        if index < 0:
            return self.path, 1, 1
        at, start, end, file = self.stretches[index]
        path, source = self.macros[file - 1] if file else (self.path, self.source)
        return path, *line_and_column(source, min(start + offset - at, end))

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column of `where`."""
        return self.where(offset)[1:]

    def written(self, start: int, end: int) -> str | None:
        """The template's text for a part of the SQL; None if the part has a value or a tag."""
        index = bisect_right(self.stretches, start, key=lambda stretch: stretch[0]) - 1
        if index < 0:
            return None
        at, first, last, file = self.stretches[index]
        if file:
            return None
        text = self.source[first + start - at : min(first + end - at, last)]
        return text if text == self.sql[start:end] else None

    def is_glued(self) -> bool:
        """Whether a word of the template follows a value without a space: `{{ params.x }}_y`."""
        return any(
            at > 0
            and re.match(r"\w", self.sql[at : at + 1])
            and re.match(r"['\w]", self.sql[at - 1])
            for at, start, _, _ in self.stretches
            if start > 0
        )

    def diagnostic(self, offset: int, code: str, message: str, hint: str = "") -> Diagnostic:
        """A diagnostic at a character of the SQL."""
        return Diagnostic(*self.where(offset), code, message, hint)
