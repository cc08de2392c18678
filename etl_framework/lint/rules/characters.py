"""Rules about the characters of files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project
from etl_framework.sql.template_names import line_and_column

# Characters that turn the direction of a text or have no width. Joiners have a meaning in words of
# other scripts and in emoji: they count only between ASCII characters.
_UNSEEN = re.compile(
    "[\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069]|(?<!^)\ufeff|(?<=[ -~])[\u200c\u200d](?=[ -~])"
)
_NO_SPACE = "[\u00a0\u2000-\u200a\u202f\u205f\u3000]"
# Places where YAML expects a space: before a line's first word, after a key or a dash.
_IN_YAML = re.compile(rf"(?m)(?:^[ ]*|(?<=[\w\"'])[ ]*:[ ]*|^[ ]*-[ ]*)({_NO_SPACE})")
_QUOTED = r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|\{#.*?#\}"
_IN_SQL = re.compile(rf"{_QUOTED}|({_NO_SPACE})", re.DOTALL)


class UnseenCharacters(Rule):
    """No character is there that nobody sees: it makes two words of what looks like one.

    It comes with a text that was copied from a page or a chat; those that turn the direction of a
    text can show a reviewer something else than what runs.
    """

    codes = ("W101",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for file in (
            project.environments_file,
            *(pipeline_file.file for pipeline_file in project.pipelines),
        ):
            yield from _unseen_characters(file.path, file.text, _IN_YAML)
        for checked in files:
            for path, text in checked.templates.items():
                yield from _unseen_characters(path, text, _IN_SQL)


def _unseen_characters(path: str, text: str, spaces: re.Pattern[str]) -> Iterator[Diagnostic]:
    if text.isascii():
        return
    places = {match.start(): "cannot be seen" for match in _UNSEEN.finditer(text)}
    for match in spaces.finditer(text):
        if match[1]:
            places[match.start(1)] = "looks like a space and is none"
    for start, what in places.items():
        name = unicodedata.name(text[start], "a control")
        hint = "take it out" if "seen" in what else "type a space"
        message = f"the character U+{ord(text[start]):04X} ({name}) {what}"
        yield Diagnostic(path, *line_and_column(text, start), "W101", message, hint, "warning")
