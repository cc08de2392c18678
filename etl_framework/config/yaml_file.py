"""Read a YAML file so that every key and value keeps its place, and no text changes its meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from etl_framework.errors import Diagnostic

Place = tuple[int, int]
Keys = tuple[str | int, ...]
MAX_BYTES = 5_000_000
MAX_NODES = 200_000
MAX_DEPTH = 50
_TAG = "tag:yaml.org,2002:"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What YAML 1.1 and YAML 1.2 read differently: (pattern, what happens, what to write instead).
_TRAPS = [
    (
        r"(?i)yes|no|on|off",
        "is a boolean in YAML 1.1 and a text in 1.2",
        '"{0}", true or false',
    ),
    (r"[-+]?0\d+", "is octal in YAML 1.1 and decimal in 1.2", '"{0}", or {1} for the number'),
    (r"[-+]?\d+(:[0-5]?\d)+(\.\d*)?", "is a number to the base 60 in YAML 1.1", '"{0}"'),
    (r"[-+]?\d[\d_]*_[\d_]*", "is a number in YAML 1.1 and a text in 1.2", '"{0}", or {1}'),
    (
        r"[-+]?\d+(\.\d*)?[eE]\d+",
        "is a text in YAML 1.1 and a number in 1.2",
        '"{0}", or the number',
    ),
]


@dataclass
class YamlFile:
    """A file's content, the place of each key and value, and what is wrong with it.

    Keys are paths such as `("sources", "users", "columns", 0, "type")`; places are line and column,
    from 1.
    """

    path: str
    text: str = ""
    data: Any = None
    keys: dict[Keys, Place] = field(default_factory=dict)
    values: dict[Keys, Place] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def place(self, keys: Keys, *, of_key: bool = False) -> Place:
        """Where a value (or its key) stands; the nearest one around it that does exist."""
        for length in range(len(keys), -1, -1):
            found = (of_key and self.keys.get(keys[:length])) or self.values.get(keys[:length])
            if found:
                return found
        return 1, 1

    def diagnostic(
        self, keys: Keys, code: str, message: str, hint: str = "", *, of_key: bool = False
    ) -> Diagnostic:
        """A problem at a value, or at its key."""
        return Diagnostic(self.path, *self.place(keys, of_key=of_key), code, message, hint)


def read_yaml(path: Path, shown: str) -> YamlFile:
    """Read a file; what is wrong with it is in `diagnostics`, never raised.

    :param shown: the path as diagnostics give it.
    """
    file = YamlFile(shown)
    try:
        if path.stat().st_size > MAX_BYTES:
            file.diagnostics.append(Diagnostic(shown, 0, 0, "E101", "the file is over 5 MB"))
            return file
        file.text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(file.text, Loader=_LOADER)
        file.data = _Builder(file).build(node, (), 0) if node is not None else None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        file.diagnostics.append(
            Diagnostic(shown, line, 1, "E101", "the file is not UTF-8 text", "save it as UTF-8")
        )
    except OSError as error:
        file.diagnostics.append(
            Diagnostic(shown, 0, 0, "E101", f"cannot read the file: {error.strerror}")
        )
    except yaml.YAMLError as error:
        file.diagnostics.append(_syntax(shown, error))
    except (RecursionError, _TooLargeError) as error:
        file.diagnostics.append(
            Diagnostic(shown, 1, 1, "E101", f"the file is too large or too deep: {error}")
        )
    return file


class _TooLargeError(Exception):
    pass


def _syntax(path: str, error: yaml.YAMLError) -> Diagnostic:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    hint = ""
    if "\\t" in problem or "'\t'" in problem or "tab" in problem:
        hint = "indent with spaces, not with tabs"
    elif "mapping values are not allowed" in problem:
        hint = "a text with ': ' in it needs quotes; or the line above is indented wrongly"
    return Diagnostic(path, line, column, "E102", f"YAML syntax: {problem}", hint)


class _Builder:
    """Python values from YAML nodes."""

    def __init__(self, file: YamlFile) -> None:
        self._file = file
        self._nodes = 0

    def build(self, node: yaml.Node, keys: Keys, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _TooLargeError(f"over {MAX_NODES} values or {MAX_DEPTH} levels")
        self._file.values[keys] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, keys, depth))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*keys, i), depth + 1) for i, item in enumerate(node.value)]
        return self._scalar(node, keys) if isinstance(node, yaml.ScalarNode) else None

    def _pairs(self, node: yaml.MappingNode, keys: Keys, depth: int) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else str(key_node.tag)
            if key_node.tag == _TAG + "merge":
                self._problem(line, column, "E105", "merge keys ('<<') are not part of YAML 1.2")
                continue
            if key in seen:
                message = f"the key '{key}' stands here twice, first in line {seen[key]}"
                self._problem(line, column, "E103", message, "keep one of the two")
                continue
            seen[key] = line
            self._trap(key_node)
            self._file.keys[*keys, key] = (line, column)
            yield key, self.build(value_node, (*keys, key), depth + 1)

    def _scalar(self, node: yaml.ScalarNode, keys: Keys) -> Any:
        if not node.tag.startswith(_TAG):
            line, column = self._file.values[keys]
            self._problem(line, column, "E105", f"tags such as '{node.tag}' are not allowed")
            return node.value
        if self._trap(node):
            return node.value
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            line, column = self._file.values[keys]
            self._problem(
                line, column, "E104", f"'{node.value}' cannot be read: {error}", "quote it"
            )
            return node.value

    def _trap(self, node: yaml.Node) -> bool:
        """Report a plain text that YAML 1.1 and 1.2 read differently."""
        if not isinstance(node, yaml.ScalarNode) or node.style:
            return False
        for pattern, what, instead in _TRAPS:
            if re.fullmatch(pattern, node.value):
                number = re.sub(r"^([-+]?)0+(?=\d)", r"\1", node.value.replace("_", ""))
                self._problem(
                    node.start_mark.line + 1,
                    node.start_mark.column + 1,
                    "E104",
                    f"'{node.value}' {what}",
                    f"write {instead.format(node.value, number)}",
                )
                return True
        return False

    def _problem(self, line: int, column: int, code: str, message: str, hint: str = "") -> None:
        self._file.diagnostics.append(
            Diagnostic(self._file.path, line, column, code, message, hint)
        )
