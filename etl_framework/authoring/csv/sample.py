"""Choose the files to look at: all that a path matches for any data interval, within a bound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jinja2 import TemplateError

from etl_framework.connections.files import File, Files
from etl_framework.errors import ConfigError, DataMissingError
from etl_framework.interval import DataInterval
from etl_framework.sql.templates import render_text, text_values

MOST_FILES, MOST_BYTES = 500, 256 << 20
PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
SOME_DAY = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """The files that are looked at.

    :param matched: the number of files that the path matches.
    """

    files: tuple[File, ...]
    matched: int

    @property
    def is_whole(self) -> bool:
        """Whether every byte of every file is looked at."""
        return len(self.files) == self.matched and size(self.files) <= MOST_BYTES

    @property
    def note(self) -> str:
        """What was not looked at; empty if all was."""
        if self.is_whole:
            return ""
        if self.matched == 1:
            return f"made from the first {MOST_BYTES >> 20} MB of the file"
        first, last = self.files[0].name, self.files[-1].name
        text = f"made from {len(self.files)} of {self.matched} files, {first} to {last}"
        over = size(self.files) > MOST_BYTES
        return f"{text}, the first {MOST_BYTES >> 20} MB of them" if over else text


def sample(connection: Files, root: Path, path: str, here: Path) -> Sample:
    """Find the files of a path and fetch those to look at, the first and the last among them.

    :param path: may contain the data interval.
    :param here: the folder for copies of the files on this machine.
    :raises ConfigError: the path does not render.
    :raises DataMissingError: there is no such file.
    """
    files = connection.files(root, any_interval(path), here)
    if not files:
        raise DataMissingError(f"no file matches '{path}'")
    chosen = _chosen(files)
    connection.fetch(chosen)
    return Sample(tuple(chosen), len(files))


def any_interval(path: str) -> str:
    """Return a pattern for the files of all data intervals.

    `a/{{ interval.date }}*.csv` becomes `a/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*.csv`.
    """
    known = text_values(DataInterval(SOME_DAY, SOME_DAY + timedelta(days=1)))

    def pattern(match: re.Match[str]) -> str:
        try:
            text = render_text(match[0], known)
        except TemplateError as error:
            hint = "for example {{ interval.date }}"
            raise ConfigError(f"the path '{path}' does not render: {error}", hint=hint) from error
        # A month may be written as a word.
        return re.sub("[0-9]", "[0-9]", re.sub("[A-Za-z]+", "*", text))

    return re.sub(r"\*{2,}(?=[^/])|(?<=[^/])\*{2,}", "*", PLACEHOLDER.sub(pattern, path))


def size(files: Sequence[File]) -> int:
    """The number of bytes of files, as they are stored."""
    return sum(int(file.version.partition(":")[0]) for file in files)


def _chosen(files: list[File]) -> list[File]:
    """Return some of the files, evenly spread, so that all of them are not too large."""
    count = min(len(files), MOST_FILES)
    while True:
        step = (len(files) - 1) / max(count - 1, 1)
        chosen = [files[round(index * step)] for index in range(count)]
        if count == 1 or size(chosen) <= MOST_BYTES:
            return chosen
        count = max(count // 2, 1)
