"""Macros that SQL templates share: files of `sql_templates/macros/`, imported by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from etl_framework.errors import Diagnostic, did_you_mean

FOLDER = "macros"
_IMPORT = re.compile(r"\{%-?\s*(?:from|import)\s+(['\"])(?P<name>[^'\"]*)\1")
_WHOLE = re.compile(r"\{%-?\s*(?P<tag>include|extends)\b")


@dataclass
class Sources:
    """The texts that one rendering is made of: the template's, and those of the macros it imports.

    :param folder: where templates lie; None for a template that can import nothing.
    :param texts: path and text of each; the template's is the first.
    """

    folder: Path | None
    texts: list[tuple[str, str]] = field(default_factory=list)

    def read(self, name: str) -> int | None:
        """Read a file of macros, and return its number; None if there is none of the name.

        :param name: its path below the folder of templates: `macros/dates.sql`.
        """
        if self.folder is None or name not in macro_files(self.folder):
            return None
        shown = f"{self.folder.name}/{name}"
        for number, (path, _) in enumerate(self.texts):
            if path == shown:
                return number
        text = (self.folder / name).read_text(encoding="utf-8-sig")
        self.texts.append((shown, text.replace("\r\n", "\n").replace("\r", "\n")))
        return len(self.texts) - 1

    def problem(self) -> Diagnostic | None:
        """What is wrong with the imports of the texts so far; None if nothing is."""
        for path, text in self.texts:
            if whole := _WHOLE.search(text):
                at = _place(text, whole.start("tag"))
                message = "a template stands by itself: it cannot take in another"
                hint = "write what is shared as a transform, or as a macro that it imports"
                return Diagnostic(path, *at, "E402", message, hint)
            for found in _IMPORT.finditer(text):
                if self.read(found["name"]) is None:
                    known = macro_files(self.folder) if self.folder else []
                    hint = did_you_mean(found["name"], known)
                    if not known:
                        hint = "write what is shared as a transform, or as a macro under macros/"
                    message = f"there are no macros '{found['name']}'"
                    at = _place(text, found.start("name"))
                    return Diagnostic(path, *at, "E302", message, hint)
        return None


def macro_files(folder: Path) -> list[str]:
    """The files of macros in a folder of templates, sorted, by their paths below it."""
    files = sorted((folder / FOLDER).rglob("*.sql"))
    inside = (file for file in files if file.is_file() and not file.is_symlink())
    return [file.relative_to(folder).as_posix() for file in inside]


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
