"""How a project wants to be linted: the section `[etl:lint]` of its `setup.cfg`."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic, Severity, did_you_mean
from etl_framework.lint.own_rules import forget_modules, import_rules
from etl_framework.lint.pages import codes

FILE, SECTION = "setup.cfg", "etl:lint"
MWAA = ("mwaa_version", "mwaa_class")
KEYS = ("select", "ignore", "warning", "error", "baseline", "rules", *MWAA)


@dataclass(frozen=True)
class Settings:
    """Which findings are wanted, by their codes or how those begin.

    :param select: only these; all when empty.
    :param severities: the severity that a code has here.
    :param baseline: the file of findings that are known and to be mended later, or empty.
    :param rules: files with rules of the project's own.
    :param modules: the names that those files are loaded by.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    baseline: str = ""
    rules: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def wants(self, code: str) -> bool:
        """Whether a finding of this code is to be told."""
        chosen = not self.select or code.startswith(self.select)
        return chosen and not (self.ignore and code.startswith(self.ignore))

    def applied(self, problems: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Those that are wanted, with the severities of this project."""
        found = []
        for problem in problems:
            if self.wants(problem.code):
                fitting = [code for code in self.severities if problem.code.startswith(code)]
                longest = max(fitting, key=len, default="")
                severity = self.severities[longest] if longest else problem.severity
                found.append(replace(problem, severity=severity))
        return found


def load_settings(root: Path) -> Settings:
    """Read the section, and import the project's own rules that it names.

    :raises ConfigError: something in the section is wrong; with its line.
    """
    file = root / FILE
    parser = configparser.ConfigParser(interpolation=None)
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        parser.read_string(text, FILE)
    except (configparser.Error, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None) or 1
        message = f"{FILE} cannot be read: {str(error).splitlines()[0]}"
        hint = f"write the section [{SECTION}], and in it lines such as: ignore = W402"
        raise ConfigError([Diagnostic(FILE, line, 1, "E601", message, hint)]) from error
    if not parser.has_section(SECTION):
        forget_modules(root, ())
        return Settings()
    given = dict(parser[SECTION])
    wrong = [
        _problem(text, key, f"unknown key '{key}' in [{SECTION}]", did_you_mean(key, KEYS))
        for key in given
        if key not in KEYS
    ]
    own = _words(given.get("rules", ""))
    modules, failed = import_rules(root, own)
    wrong += [_problem(text, "rules", *problem) for problem in failed]
    known = codes()
    lists = {key: _words(given.get(key, "")) for key in ("select", "ignore", "warning", "error")}
    wrong += [
        _problem(text, key, f"there is no rule '{code}'", did_you_mean(code, known))
        for key, wanted in lists.items()
        for code in wanted
        if not any(each.startswith(code) for each in known)
    ]
    for key in MWAA:
        if key in given and (hint := _not_of_mwaa(key, given[key])):
            wrong.append(_problem(text, key, f"MWAA has no '{given[key]}'", hint))
    if wrong:
        raise ConfigError(wrong)
    severities: dict[str, Severity] = dict.fromkeys(lists["warning"], "warning")
    severities |= dict.fromkeys(lists["error"], "error")
    baseline = given.get("baseline", "")
    return Settings(lists["select"], lists["ignore"], severities, baseline, own, modules)


def _not_of_mwaa(key: str, name: str) -> str:
    """What to write instead of a version or class that MWAA has not; empty if it has it."""
    from etl_framework.platforms.mwaa import environment_classes, mwaa_versions

    known = mwaa_versions() if key == "mwaa_version" else environment_classes()
    return "" if name in known else did_you_mean(name, known)


def mwaa_of(root: Path) -> dict[str, str]:
    """The version and the class of the environment of MWAA that the project is for, where given."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(root / FILE, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return {}
    given = dict(parser[SECTION]) if parser.has_section(SECTION) else {}
    return {key: given[key] for key in MWAA if key in given}


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.split(r"[\s,]+", text.strip())) if text.strip() else ()


def _problem(text: str, key: str, message: str, hint: str = "") -> Diagnostic:
    """A problem at a key's line, within the section."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        inside = line.strip() == f"[{SECTION}]" or (inside and not line.startswith("["))
        if inside and re.match(rf"{re.escape(key)}\s*[=:]", line, re.IGNORECASE):
            return Diagnostic(FILE, number, 1, "E601", message, hint)
    return Diagnostic(FILE, 1, 1, "E601", message, hint)
