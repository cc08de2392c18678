"""What a rule across pipelines has to know of each of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from etl_framework.errors import Diagnostic, Severity


@dataclass(frozen=True)
class Fact:
    """Something that a file says, and where.

    :param kind: what it is, in the rule's own words.
    """

    kind: str
    values: tuple[str, ...]
    path: str
    line: int = 1
    column: int = 1

    def diagnostic(
        self, code: str, message: str, hint: str = "", severity: Severity = "error"
    ) -> Diagnostic:
        """A problem at its place."""
        return Diagnostic(self.path, self.line, self.column, code, message, hint, severity)


def found_files(root: Path, patterns: Iterable[str]) -> list[str]:
    """The files below a folder that fit one of the patterns, sorted."""
    found = set()
    for pattern in patterns:  # Path.glob takes twice as long
        found.update(glob(pattern, root_dir=root, recursive=True, include_hidden=True))  # noqa: PTH207
    return sorted(path.replace(os.sep, "/") for path in found)
