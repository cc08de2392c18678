"""Read a YAML file, keep the place of every key and value, and refuse ambiguous values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from etl_framework.errors import Diagnostic
from etl_framework.project.paths import ENVIRONMENTS
from etl_framework.project.yaml_scalars import ALLOWED, TAG, Scalars, trap, written_offset

Place = tuple[int, int]
Keys = tuple[str | int, ...]
MAX_BYTES = 5_000_000
MAX_NODES = 50_000
LARGE = 200_000  # characters
MAX_DEPTH = 50
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class YamlFile:
    """A file's content, the place of each key and value, and the file's diagnostics.

    Keys are paths such as `("sources", "users", "columns", 0, "type")`. Places are line and column,
    both from 1.

    :param others: parts of the content that come from other files, with their keys there.
    """

    path: str
    text: str = ""
    data: Any = None
    keys: dict[Keys, Place] = field(default_factory=dict)
    values: dict[Keys, Place] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    others: dict[Keys, tuple[YamlFile, Keys]] = field(default_factory=dict)

    def owner(self, keys: Keys) -> tuple[YamlFile, Keys]:
        """The file that says something, and the keys that lead to it there."""
        for length in range(len(keys), 0, -1) if self.others else ():
            if other := self.others.get(keys[:length]):
                file, there = other
                rest = (*there, *keys[length:])
                return file.owner(rest) if file is not self else (self, rest)
        return self, keys

    def place(self, keys: Keys, *, of_key: bool = False) -> Place:
        """The place of a value (or its key), or of the nearest one around it that exists."""
        for length in range(len(keys), -1, -1):
            place = (of_key and self.keys.get(keys[:length])) or self.values.get(keys[:length])
            if place:
                return place
        return 1, 1

    def inside(self, keys: Keys, text: str, offset: int) -> Place:
        """The place of a character in a text value, despite quotes, folded lines and escapes."""
        line, column = self.place(keys)
        starts = sum(len(previous) + 1 for previous in self.text.split("\n")[: line - 1])
        at = starts + column - 1 + written_offset(self.text[starts + column - 1 :], text, offset)
        return self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)

    def scalar(self, keys: Keys) -> str:
        """The text of a number, a date or a word as the file has it, without quotes."""
        file, there = self.owner(keys)
        if file is not self:
            return file.scalar(there)
        line, column = self.place(keys)
        written = self.text.split("\n")[line - 1][column - 1 :]
        return re.split(r"[,\]}]|\s#|$", written, maxsplit=1)[0].strip().strip("\"'")

    def where(self, keys: Keys, *, of_key: bool = False) -> tuple[str, int, int]:
        """Path, line and column of a value (or its key), in the file that says it."""
        file, there = self.owner(keys)
        return file.path, *file.place(there, of_key=of_key)

    def where_inside(self, keys: Keys, text: str, offset: int) -> tuple[str, int, int]:
        """Path, line and column of a character in a text value, in the file that says it."""
        file, there = self.owner(keys)
        return file.path, *file.inside(there, text, offset)

    def diagnostic(
        self, keys: Keys, code: str, message: str, hint: str = "", *, of_key: bool = False
    ) -> Diagnostic:
        """A diagnostic at a value, or at its key, in the file that says it."""
        return Diagnostic(*self.where(keys, of_key=of_key), code, message, hint)


def read_yaml(path: Path, shown: str) -> YamlFile:
    """Read a file; mistakes in it are added to `diagnostics`, never raised.

    :param shown: the path to show in diagnostics.
    """
    file = YamlFile(shown)
    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no file"
            hint = "write a file of YAML in its place"
            file.diagnostics.append(Diagnostic(shown, 0, 0, "E101", f"this is {what}", hint))
            return file
        if path.stat().st_size > MAX_BYTES:
            hint = "split it: each pipeline is a file of its own"
            file.diagnostics.append(Diagnostic(shown, 0, 0, "E101", "the file is over 5 MB", hint))
            return file
        file.text = path.read_text(encoding="utf-8-sig")
        if len(file.text) > LARGE:
            _count(file.text)
        node = yaml.compose(file.text, Loader=_LOADER)
        file.data = _Builder(file).build(node, (), 0) if node is not None else None
    except UnicodeDecodeError as error:
        file.diagnostics.append(not_utf8(shown, error))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError) and shown == ENVIRONMENTS
        hint = "write it; `etl init DIR` makes a project that has one" if missing else ""
        message = f"cannot read the file: {error.strerror}"
        file.diagnostics.append(Diagnostic(shown, 0, 0, "E101", message, hint))
    except yaml.YAMLError as error:
        file.diagnostics.append(_syntax(file, error))
    except (RecursionError, _TooLargeError) as error:
        file.diagnostics.append(
            Diagnostic(shown, 1, 1, "E101", f"the file is too large or too deep: {error}")
        )
    return file


def read_shared(root: Path, path: str) -> YamlFile | None:
    """A file that several pipelines use, read once for each of its states; None if it is missing.

    What it returns is shared: nobody may change it, but for its diagnostics.
    """
    try:
        stat = (root / path).stat()
    except OSError:
        return None
    return _read_once(root / path, path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@lru_cache(maxsize=256)
def _read_once(file: Path, shown: str, stamp: tuple[int, ...]) -> YamlFile:
    return read_yaml(file, shown)


def texts(data: object, keys: Keys = ()) -> Iterator[tuple[Keys, str]]:
    """Every text in a file's content, with the keys that lead to it."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from texts(value, (*keys, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from texts(value, (*keys, index))
    elif isinstance(data, str):
        yield keys, data


def not_utf8(shown: str, error: UnicodeDecodeError) -> Diagnostic:
    """The diagnostic of a file that is not UTF-8, at the first wrong byte."""
    text, start = error.object, error.start
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Diagnostic(shown, 1, 1, "E101", "the file is UTF-16 text", "save it as UTF-8")
    before = text[:start].decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    message = f"the file is not UTF-8 text: byte 0x{text[start]:02x}"
    letter = text[start : start + 1].decode("cp1252", errors="ignore")
    hint = (
        f"save it as UTF-8; read as Windows-1252 it is '{letter}'" if letter else "save it as UTF-8"
    )
    return Diagnostic(shown, line, column, "E101", message, hint)


class _TooLargeError(Exception):
    pass


def _count(text: str) -> None:
    """Check that a large file does not have too many values, before it is read into memory.

    :raises _TooLargeError: the file has too many.
    """
    for number, _ in enumerate(yaml.parse(text, Loader=_LOADER)):
        if number > 2 * MAX_NODES:
            raise _TooLargeError(f"over {MAX_NODES} values or {MAX_DEPTH} levels")


def _syntax(file: YamlFile, error: yaml.YAMLError) -> Diagnostic:
    if isinstance(error, yaml.reader.ReaderError):
        before = file.text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        problem = f"the character {error.character!r} is not allowed"
        return Diagnostic(file.path, line, column, "E102", f"YAML syntax: {problem}")
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    text = (file.text.splitlines()[line - 1 : line] or [""])[0]
    here, hint = text[column - 1 : column], ""
    if here == "\t" or "\t" in text[: len(text) - len(text.lstrip())]:
        hint = "indent with spaces, not with tabs"
    elif here and here in "@`%&*!|>":
        hint = f"a text that starts with {here} needs quotes"
    elif "mapping values are not allowed" in problem:
        hint = "a text with ': ' in it needs quotes; or the line above is indented wrongly"
    elif "expected ',' or" in problem:
        hint = "close the bracket that is open before it, or put a comma"
    return Diagnostic(file.path, line, column, "E102", f"YAML syntax: {problem}", hint)


class _Builder:
    """Makes Python values from YAML nodes, and records their places and mistakes."""

    def __init__(self, file: YamlFile) -> None:
        self._file = file
        self._nodes = 0
        self._scalars = Scalars()

    def build(self, node: yaml.Node, keys: Keys, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _TooLargeError(f"over {MAX_NODES} values or {MAX_DEPTH} levels")
        self._file.values[keys] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if not self._tag_allowed(node):
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, keys, depth))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*keys, i), depth + 1) for i, item in enumerate(node.value)]
        return self._scalar(node) if isinstance(node, yaml.ScalarNode) else None

    def _pairs(self, node: yaml.MappingNode, keys: Keys, depth: int) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else str(key_node.tag)
            if key_node.tag == TAG + "merge":
                self._problem(key_node, "E105", "merge keys ('<<') are not part of YAML 1.2")
                continue
            if key in seen:
                message = f"the key '{key}' stands here twice, first in line {seen[key]}"
                self._problem(key_node, "E103", message, "keep one of the two")
                continue
            seen[key] = line
            # `on` is a key of checks. YAML 1.1 takes it for true, but nothing else reads the file.
            if self._tag_allowed(key_node) and key_node.value != "on":
                self._trapped(key_node)
            self._file.keys[*keys, key] = (line, key_node.start_mark.column + 1)
            yield key, self.build(value_node, (*keys, key), depth + 1)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if "\0" in node.value:
            self._problem(node, "E104", "a text cannot hold the character U+0000", "take it out")
            return node.value.replace("\0", "")
        if self._trapped(node):
            return node.value
        try:
            return self._scalars.value(node)
        except ValueError as error:
            self._problem(node, "E104", str(error), "quote it")
            return node.value

    def _tag_allowed(self, node: yaml.Node) -> bool:
        # `=` alone is YAML 1.1's "value"; it is refused later, when it is read.
        if node.tag in ALLOWED or node.tag in (TAG + "merge", TAG + "value"):
            return True
        self._problem(node, "E105", f"tags such as '{node.tag.replace(TAG, '!!')}' are not allowed")
        return False

    def _trapped(self, node: yaml.Node) -> bool:
        mistake = trap(node) if isinstance(node, yaml.ScalarNode) else None
        if mistake:
            self._problem(node, "E104", *mistake)
        return mistake is not None

    def _problem(self, node: yaml.Node, code: str, message: str, hint: str = "") -> None:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self._file.diagnostics.append(
            Diagnostic(self._file.path, line, column, code, message, hint)
        )
