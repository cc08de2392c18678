"""A project's own rules in a process that lints again and again, as editors have one."""

from __future__ import annotations

import sys
from pathlib import Path

from etl_framework.lint.own_rules import forget_modules, import_rules


def test_earlier_versions_are_forgotten_and_those_of_other_projects_stay(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for root in (mine, other):
        root.mkdir()
        (root / "rules.py").write_text("NUMBER = 0\n")
    (of_other,), _ = import_rules(other, ["rules.py"])
    before = set(sys.modules)

    for number in range(3):
        (mine / "rules.py").write_text(f"NUMBER = {number}\n")
        (newest,), problems = import_rules(mine, ["rules.py"])
        assert problems == []
        assert vars(sys.modules[newest])["NUMBER"] == number
    assert set(sys.modules) - before == {newest}

    forget_modules(mine, [])
    assert set(sys.modules) == before
    assert of_other in sys.modules


def test_what_does_not_load_leaves_no_module(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("1 / 0\n")
    before = set(sys.modules)

    names, ((message, _),) = import_rules(tmp_path, ["rules.py"])

    assert names == ()
    assert message == "rules.py does not load: ZeroDivisionError: division by zero"
    assert set(sys.modules) == before
