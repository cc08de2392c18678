"""The page of every code: what it means, why it matters, a wrong and a right example."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from functools import cache
from importlib.resources import files

from etl_framework.errors import ConfigError, EtlError, did_you_mean
from etl_framework.lint.base import rule_classes
from etl_framework.lint.own_rules import rules_of
from etl_framework.plugins import below, plugins, registered

FOLDER = files(__package__ or "") / "pages"
# Where packages register policies.
POLICIES = "etl_framework.lint.policies"


def codes(modules: Collection[str] | None = None) -> tuple[str, ...]:
    """Return every code, sorted: those with a page and those of the project's own rules.

    :param modules: the modules of a project's own rules; every rule that is loaded counts if None.
    """
    classes = rule_classes() if modules is None else rules_of(modules, rule_classes())
    known = (code for rule in classes for code in rule.codes)
    return tuple(sorted({*_with_page(), *known, *_policies()}))


def _policies() -> dict[str, str]:
    """Return what the policies of installed packages are about, by their codes."""
    if not registered(POLICIES):
        return {}
    from etl_framework.lint.policies.base import Policy

    return {policy.code: policy.__doc__ or "" for policy in plugins(Policy).values()}


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
    if code in (about := _policies()):
        return f"# {code}\n\n{about[code].strip()}\n"
    for kind in (EtlError, *below(EtlError)):
        if code == kind.code:
            return _of_error(kind)
    raise ConfigError(f"there is no rule '{code}'", hint=near(code))


def _of_error(kind: type[EtlError]) -> str:
    """Return what an error of a run, of a plan or of a bundle is; its message says the rest."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("\n\n:param")[0]
    return (
        f"# {kind.code}\n\n{text}\n\nNo finding of lint: it ends a command, and its message says "
        "what is wrong and where. What to do about each: docs/runbook.md.\n"
    )


def near(code: str) -> str:
    """Return a hint with the nearest code; the letters O and L are read as 0 and 1."""
    looked = code.upper().translate(str.maketrans("OL", "01"))
    return did_you_mean(looked, codes())
