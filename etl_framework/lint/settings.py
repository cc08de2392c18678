"""A project's settings for lint: the section `[etl:lint]` of its `setup.cfg`."""

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
    """Which findings are wanted, by codes or beginnings of codes.

    :param select: only these codes; all codes if empty.
    :param severities: the severity of a code in this project.
    :param baseline: the file of known findings, which are fixed later; or empty.
    :param rules: files with the project's own rules.
    :param modules: the names of the modules that these files are loaded as.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    baseline: str = ""
    rules: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def wants(self, code: str) -> bool:
        """Return whether findings of this code are wanted."""
        chosen = not self.select or code.startswith(self.select)
        return chosen and not (self.ignore and code.startswith(self.ignore))

    def applied(self, problems: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the problems that are wanted, with the severities of this project."""
        diagnostics = []
        for problem in problems:
            if self.wants(problem.code):
                fitting = [code for code in self.severities if problem.code.startswith(code)]
                longest = max(fitting, key=len, default="")
                severity = self.severities[longest] if longest else problem.severity
                diagnostics.append(replace(problem, severity=severity))
        return diagnostics


def load_settings(root: Path) -> Settings:
    """Read the section, and import the project's own rules that it names.

    :raises ConfigError: something in the section is wrong; the error has its line.
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
    known = codes(modules)
    lists = {key: _words(given.get(key, "")) for key in ("select", "ignore", "warning", "error")}
    wrong += [
        _problem(text, key, f"there is no rule '{code}'", did_you_mean(code, known))
        for key, wanted in lists.items()
        for code in wanted
        if not any(known_code.startswith(code) for known_code in known)
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
    """Return a hint for a version or class that MWAA does not have; empty if it has it."""
    from etl_framework.platforms.mwaa import environment_classes, mwaa_versions

    known = mwaa_versions() if key == "mwaa_version" else environment_classes()
    return "" if name in known else did_you_mean(name, known)


def mwaa_of(root: Path) -> dict[str, str]:
    """Return version and class of the project's MWAA environment, if `setup.cfg` gives them."""
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
    """Return a problem at a key's line in the section."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        inside = line.strip() == f"[{SECTION}]" or (inside and not line.startswith("["))
        if inside and re.match(rf"{re.escape(key)}\s*[=:]", line, re.IGNORECASE):
            return Diagnostic(FILE, number, 1, "E601", message, hint)
    return Diagnostic(FILE, 1, 1, "E601", message, hint)
