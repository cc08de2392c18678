"""Each code has a page, whose wrong example gives it and whose right one does not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.lint.inspector import rules
from etl_framework.lint.linter import Linter
from etl_framework.lint.pages import FOLDER, codes, page
from tests.conftest import Folder
from tests.lint.test_cases import CASES

BASE = CASES.parent / "pages"
# A project that keeps a policy of each type.
POLICED = CASES.parent / "policed"
BLOCKS = re.compile(
    r"\A# (?P<code>\w+): (?P<title>.+)\n\nSeverity: (?P<severity>\w+)\.\n\n(?P<text>(?:.|\n)+?)\n\n"
    r"## Wrong\n\n`(?P<path>.+)`\n\n```\w+\n(?P<wrong>(?:.|\n)*?)```\n\n"
    r"## Right\n\n```\w+\n(?P<right>(?:.|\n)*?)```\n\Z"
)
PAGES = sorted(file.name.removesuffix(".md") for file in FOLDER.iterdir())


def linted(root: Path) -> list[Diagnostic]:
    try:
        return Linter(root).look()
    except ConfigError as error:
        return list(error.diagnostics)


def test_the_projects_of_the_examples_are_clean() -> None:
    assert linted(BASE) == []
    assert linted(POLICED) == []


# Of a file's comments (see test_control), of files' names (test_folders), of two tables that differ
# in their schemas alone (tests/project/test_placed.py), of a cluster
# (tests/runs/test_target_checks.py).
ELSEWHERE = ("E602", "W309", "E330", "E331")


@pytest.mark.parametrize("code", [code for code in PAGES if code not in ELSEWHERE])
def test_a_page_is_true(code: str, tmp_path: Path) -> None:
    parts = BLOCKS.match(page(code))
    assert parts, page(code)
    root = shutil.copytree(POLICED if code.startswith("P") else BASE, tmp_path / "project")
    file = root / parts["path"]
    text = file.read_text() if file.exists() else ""
    if parts["right"] in text:
        right, wrong = text, text.replace(parts["right"], parts["wrong"])
    else:
        right, wrong = parts["right"], parts["wrong"]
    file.write_text(right)
    # E602: no rule breaks over what is right.
    assert [str(each) for each in linted(root) if each.code in (code, "E602")] == []

    file.write_text(wrong)
    found = [each for each in linted(root) if each.code == code]
    assert found, [str(each) for each in linted(root)]
    assert {each.severity for each in found} == {parts["severity"]}


def test_each_rule_has_its_pages() -> None:
    ours = [rule for rule in rules() if type(rule).__module__.startswith("etl_framework.")]

    assert {code for rule in ours for code in rule.codes} - set(PAGES) == set()
    assert len(ours) > 20
    assert set(codes(())) >= set(PAGES)


def test_the_command(orders: Folder) -> None:
    assert orders.etl("rule", "W402").stdout == page("W402")
    listed = orders.etl("rule").stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(codes(()))
    run = orders.etl("rule", "r311")
    assert run.stdout.startswith("# R311\n\nAnother transaction was in the way")
    assert ":param" not in orders.etl("rule", "R320").stdout
    unknown = orders.etl("rule", "W4O2")
    assert unknown.returncode == 2
    assert "did you mean 'W402'?" in unknown.stderr
