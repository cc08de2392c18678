"""Where settings of lint stand: `[etl:lint]` of setup.cfg, `[tool.etl.lint]` of pyproject.toml."""

from __future__ import annotations

import configparser
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.toml_places import Keys, Places

CFG, TOML = FILES = ("setup.cfg", "pyproject.toml")
PREFIX, SECTION = "etl", "etl:lint"
TABLE = ("tool", "etl", "lint")
_AT = re.compile(r" \(at line (\d+), column (\d+)\)| \(at end of document\)")


@dataclass(frozen=True)
class Setting:
    """A value that a file gives for a key.

    :param text: the value as it is written; of a list, its items with commas between them.
    :param words: the items of a list, or the text divided at blanks and commas.
    :param place: the file, the line and the column of the key.
    :param lines: the lines of the file from the key on.
    """

    text: str
    words: tuple[str, ...]
    place: tuple[str, int, int]
    lines: Sequence[str] = ()

    def problem(
        self, message: str, hint: str = "", word: str = "", code: str = "E601"
    ) -> Diagnostic:
        """A problem at the key or, in a list of TOML, at one of its items."""
        path, line, column = self.place
        for number, text in enumerate(self.lines if word else ()):
            if match := re.search(rf"(?<=[\"']){re.escape(word)}(?=[\"'])", text):
                return Diagnostic(path, line + number, match.start() + 1, code, message, hint)
        return Diagnostic(path, line, column, code, message, hint)


def read_settings(root: Path, keys: Sequence[str]) -> tuple[dict[str, Setting], list[Diagnostic]]:
    """Return the settings of both files by their keys, and what is wrong with the files.

    :param keys: the keys that are known.
    """
    of_cfg, wrong = _read_cfg(root, keys)
    of_toml, more = _read_toml(root, keys)
    wrong += more
    for key in sorted(of_cfg.keys() & of_toml.keys()):
        path, line, _ = of_cfg[key].place
        hint = f"take it out there, or here: {path}:{line}"
        message = f"'{key}' is set in {path} as well"
        wrong.append(of_toml[key].problem(message, hint, code="E603"))
    return of_cfg | of_toml, wrong


def _read_cfg(root: Path, keys: Sequence[str]) -> tuple[dict[str, Setting], list[Diagnostic]]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        text = _text(root / CFG)
        parser.read_string(text, CFG)
    except (configparser.Error, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None) or 1
        hint = f"write the section [{SECTION}], and in it lines such as: ignore = W402"
        return {}, [_unreadable(CFG, line, 1, str(error).splitlines()[0], hint)]
    lines = text.splitlines()
    wrong = [
        Diagnostic(
            CFG, _line_of(lines, name), 1, "E601", f"unknown section [{name}]",
            did_you_mean(name, [SECTION]),
        )
        for name in parser.sections()
        if name.partition(":")[0] == PREFIX and name != SECTION
    ]  # fmt: skip
    settings = {
        key: Setting(value, _words(value), (CFG, _line_of(lines, SECTION, key), 1))
        for key, value in (parser.items(SECTION) if parser.has_section(SECTION) else ())
    }
    wrong += [_unknown(settings[key], key, keys, SECTION) for key in settings if key not in keys]
    return settings, wrong


def _read_toml(root: Path, keys: Sequence[str]) -> tuple[dict[str, Setting], list[Diagnostic]]:
    try:
        text = _text(root / TOML)
    except UnicodeDecodeError as error:
        return {}, [_unreadable(TOML, 1, 1, str(error), "save it as UTF-8")]
    if PREFIX not in text:
        return {}, []
    import tomllib

    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _AT.search(str(error))
        line, column = map(int, match.groups()) if match and match[1] else (text.count("\n") + 1, 1)
        return {}, [_unreadable(TOML, line, column, _AT.sub("", str(error)), "")]
    places = Places(text)
    settings, wrong = dict[str, Setting](), list[Diagnostic]()
    tools = parsed.get(TABLE[0])
    ours = tools.get(PREFIX, {}) if isinstance(tools, dict) else {}
    tables = _table(ours, TABLE[:2], places, wrong)
    for name in tables:
        if name != TABLE[2]:
            message, hint = f"unknown key '{name}' in [tool.etl]", did_you_mean(name, TABLE[2:])
            wrong.append(_at(places, (*TABLE[:2], name)).problem(message, hint))
    for key, value in _table(tables.get(TABLE[2], {}), TABLE, places, wrong).items():
        there = _at(places, (*TABLE, key))
        if key not in keys:
            wrong.append(_unknown(there, key, keys, ".".join(TABLE)))
        elif isinstance(value, str):
            settings[key] = replace(there, text=value, words=_words(value))
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            settings[key] = replace(there, text=", ".join(value), words=tuple(value))
        else:
            wrong.append(there.problem(f"'{key}' is no text", "write it in quotation marks"))
    return settings, wrong


def _table(value: Any, keys: Keys, places: Places, wrong: list[Diagnostic]) -> dict[str, Any]:
    """A value that is to be a table; empty, and told, if it is none."""
    if isinstance(value, dict):
        return value
    wrong.append(
        _at(places, keys).problem(f"'{keys[-1]}' is no table", f"write [{'.'.join(keys)}]")
    )
    return {}


def _at(places: Places, keys: Keys) -> Setting:
    """A setting without a value, at its place in pyproject.toml."""
    line, column = places.of(keys)
    return Setting("", (), (TOML, line, column), places.lines[line - 1 :])


def _unknown(setting: Setting, key: str, keys: Sequence[str], where: str) -> Diagnostic:
    return setting.problem(f"unknown key '{key}' in [{where}]", did_you_mean(key, keys))


def _unreadable(file: str, line: int, column: int, why: str, hint: str) -> Diagnostic:
    return Diagnostic(file, line, column, "E601", f"{file} cannot be read: {why}", hint)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.split(r"[\s,]+", text.strip())) if text.strip() else ()


def _line_of(lines: Sequence[str], section: str, key: str = "") -> int:
    """The line of a section in setup.cfg or of a key in it; 1 if it is written in another way."""
    inside = False
    for number, line in enumerate(lines, 1):
        if line.startswith("["):
            inside = line.strip() == f"[{section}]"
            if inside and not key:
                return number
        elif inside and re.match(rf"{re.escape(key)}\s*[=:]", line, re.IGNORECASE):
            return number
    return 1
