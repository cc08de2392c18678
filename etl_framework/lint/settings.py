"""A project's settings for lint, from its `setup.cfg` or `pyproject.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic, Severity, did_you_mean
from etl_framework.lint.own_rules import import_rules
from etl_framework.lint.pages import codes
from etl_framework.lint.settings_files import read_settings

MWAA = ("mwaa_version", "mwaa_class")
LISTS = ("select", "ignore", "warning", "error")
KEYS = (*LISTS, "baseline", "rules", *MWAA)


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
    """Read the settings, and import the project's own rules that they name.

    :raises ConfigError: something in the settings is wrong; the error has its line.
    """
    given, wrong = read_settings(root, KEYS)
    own = given["rules"].words if "rules" in given else ()
    modules, failed = import_rules(root, own)
    wrong += [given["rules"].problem(*problem) for problem in failed]
    known = codes(modules)
    wrong += [
        given[key].problem(f"there is no rule '{code}'", did_you_mean(code, known), code)
        for key in LISTS
        if key in given
        for code in given[key].words
        if not any(known_code.startswith(code) for known_code in known)
    ]
    for key in MWAA:
        if key in given and (hint := _not_of_mwaa(key, given[key].text)):
            wrong.append(given[key].problem(f"MWAA has no '{given[key].text}'", hint))
    if wrong:
        raise ConfigError(sorted(wrong))
    lists = {key: given[key].words if key in given else () for key in LISTS}
    severities: dict[str, Severity] = dict.fromkeys(lists["warning"], "warning")
    severities |= dict.fromkeys(lists["error"], "error")
    baseline = given["baseline"].text if "baseline" in given else ""
    return Settings(lists["select"], lists["ignore"], severities, baseline, own, modules)


def _not_of_mwaa(key: str, name: str) -> str:
    """Return a hint for a version or class that MWAA does not have; empty if it has it."""
    from etl_framework.platforms.mwaa import environment_classes, mwaa_versions

    known = mwaa_versions() if key == "mwaa_version" else environment_classes()
    return "" if name in known else did_you_mean(name, known)


def mwaa_of(root: Path) -> dict[str, str]:
    """Return version and class of the project's MWAA environment, as far as they are given."""
    given, _ = read_settings(root, KEYS)
    return {key: given[key].text for key in MWAA if key in given}
