"""Each project under `tests/cases/lint/` gives exactly the text that is beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.lint.inspector import rules
from etl_framework.lint.linter import Linter

CASES = Path(__file__).parent.parent / "cases" / "lint"
TWICE = ("E306", "E403", "E411", "E701")
NAMES = sorted(path.name for path in CASES.iterdir() if (path / "pipelines").is_dir())


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name.replace("_", " "))
def test_a_project_gives_the_text_beside_it(name: str) -> None:
    found = Linter(CASES / name).look()

    text = "".join(f"{problem}\n" for problem in found)
    assert text == (CASES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: type(rule).__name__)
def test_every_rule_says_what_it_is_about(rule: object) -> None:
    assert type(rule).__dict__.get("__doc__")
    assert getattr(rule, "codes", ())


def test_no_two_rules_have_a_code_in_common() -> None:
    codes = [code for rule in rules() for code in rule.codes if code not in TWICE]
    assert sorted(set(codes)) == sorted(codes)
