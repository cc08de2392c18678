"""Typical mistakes, each in a project that is clean but for it: what is said, exactly.

Thirty are those of any project, which other tools are measured with, too; the rest is about what a
team has agreed on.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from etl_framework.lint.linter import Linter
from tests.lint.test_cases import CASES

HERE = CASES / "mistakes"
POLICED = CASES.parent / "policed"


def said(name: str) -> dict[str, str]:
    """What we say, by the name of the mistake."""
    text = (HERE / name).read_text(encoding="utf-8").removeprefix("# ")
    return dict(part.split("\n", 1) for part in text.split("\n# "))


MISTAKES = yaml.safe_load((HERE / "mistakes.yml").read_text(encoding="utf-8"))
AGREED = yaml.safe_load((HERE / "policies.yml").read_text(encoding="utf-8"))
SAID = said("ours.txt") | said("policies.txt")


@pytest.mark.parametrize("mistake", [*MISTAKES, *AGREED], ids=lambda mistake: mistake["name"])
def test_a_mistake(mistake: dict[str, list[str]], tmp_path: Path) -> None:
    base = HERE / "ours" if mistake in MISTAKES else POLICED
    root = shutil.copytree(base, tmp_path / "shop")
    name, right, wrong = mistake["ours"]
    file = root / name
    text = file.read_text(encoding="utf-8")
    assert text.count(right) == 1 or right in ("c.country", "sql: shop/paid.sql"), right
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    found = Linter(root, start=False).look()

    assert "".join(f"{each}\n" for each in found).strip() == SAID[str(mistake["name"])].strip()
    assert all(each.hint or "should" in each.message for each in found), "a hint mends it"


def test_how_many_there_are_and_that_the_projects_are_clean() -> None:
    assert (len(MISTAKES), len(AGREED)) == (30, 16)
    assert len(SAID) == len(MISTAKES) + len(AGREED)
    assert Linter(HERE / "ours", start=False).look() == []
    assert Linter(POLICED, start=False).look() == []
