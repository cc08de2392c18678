"""Thirty typical mistakes, each in a project that is clean but for it: what is said, exactly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from etl_framework.lint.linter import Linter
from tests.lint.test_cases import CASES

HERE = CASES / "mistakes"
MISTAKES = yaml.safe_load((HERE / "mistakes.yml").read_text(encoding="utf-8"))
SAID = dict(
    part.split("\n", 1)
    for part in (HERE / "ours.txt").read_text(encoding="utf-8").removeprefix("# ").split("\n# ")
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["name"])
def test_a_mistake(mistake: dict[str, list[str]], tmp_path: Path) -> None:
    root = shutil.copytree(HERE / "ours", tmp_path / "shop")
    name, right, wrong = mistake["ours"]
    file = root / name
    text = file.read_text(encoding="utf-8")
    assert text.count(right) == 1 or right in ("c.country", "sql: shop/paid.sql"), right
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")

    found = Linter(root, start=False).look()

    assert "".join(f"{each}\n" for each in found).strip() == SAID[str(mistake["name"])].strip()
    assert all(each.hint or "should" in each.message for each in found), "a hint mends it"


def test_there_are_thirty_and_the_project_is_clean() -> None:
    assert len(MISTAKES) == len(SAID) == 30
    assert Linter(HERE / "ours", start=False).look() == []
