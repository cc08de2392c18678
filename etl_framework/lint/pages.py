"""The page of every code: what it means, why it matters, a wrong and a right example."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.resources import files

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.lint.base import rule_classes
from etl_framework.lint.own_rules import rules_of

FOLDER = files(__package__ or "") / "pages"


def codes(modules: Collection[str] | None = None) -> tuple[str, ...]:
    """Return every code, sorted: those with a page and those of the project's own rules.

    :param modules: the modules of a project's own rules; every rule that is loaded counts if None.
    """
    classes = rule_classes() if modules is None else rules_of(modules, rule_classes())
    return tuple(sorted({*_with_page(), *(code for rule in classes for code in rule.codes)}))


@cache
def _with_page() -> frozenset[str]:
    return frozenset(file.name.removesuffix(".md") for file in FOLDER.iterdir())


def page(code: str) -> str:
    """Return the page of a code in Markdown; for a project's own rule, its docstring.

    :raises ConfigError: there is no such rule.
    """
    if code in _with_page():
        return (FOLDER / f"{code}.md").read_text(encoding="utf-8")
    for rule in rule_classes():
        if code in rule.codes:
            return f"# {code}\n\n{(rule.__doc__ or '').strip()}\n"
    raise ConfigError(f"there is no rule '{code}'", hint=near(code))


def near(code: str) -> str:
    """Return a hint with the nearest code; the letters O and L are read as 0 and 1."""
    looked = code.upper().translate(str.maketrans("OL", "01"))
    return did_you_mean(looked, codes())
