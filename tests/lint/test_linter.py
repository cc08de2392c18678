"""One linter that lives through many edits says what a new one says after each of them."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.lint.files import Files
from etl_framework.lint.inspector import Inspector
from etl_framework.lint.linter import Linter
from etl_framework.lint.mirror import Mirror
from etl_framework.lint.settings import load_settings
from etl_framework.project.paths import digest
from tests.fuzz.mutating import mutated
from tests.lint.test_cases import CASES
from tests.lint.test_mistakes import HERE

RULE = '''
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import ProjectRule, Rule, fact


class Owners(Rule):
    """Somebody owns it."""

    codes = ("X100",)

    def check(self, project, files):
        for checked in files:
            if len(checked.pipeline.owner) < LENGTH:
                yield checked.pipeline_file.file.diagnostic(("name",), "X100", "nobody owns this")


class Many(ProjectRule):
    """Not too many."""

    codes = ("X101",)
    reads = ("notes/*.txt",)

    def facts(self, found):
        yield fact(found, "is", (found.file.path,), ("name",))

    def judge(self, project, facts):
        notes = sorted(file.read_text() for file in project.root.glob("notes/*.txt"))
        if len(facts) > LENGTH:
            yield facts[-1].diagnostic("X101", f"one too many: {notes}")
'''
WRITTEN = {
    "setup.cfg": [
        "[etl:lint]\nignore = W3\n",
        "[etl:lint]\nerror = W4\nwarning = E3\n",
        "[etl:lint]\nrules = rules.py\n",
        "[etl:lint]\nrules = rules.py\nselect = X1,E\n",
        "[etl:lint]\nmwaa_version = 3.0.6\nmwaa_class = mw1.small\n",
        "[etl:lint]\nselect = X100\n",
        "[etl:lint\n",
    ],
    "pyproject.toml": [
        '[tool.etl.lint]\nignore = ["W3"]\n',
        '[tool.etl.lint]\nrules = ["rules.py"]\nmwaa_version = "3.0.6"\n',
        "[tool.ruff]\n",
    ],
    "rules.py": [RULE.replace("LENGTH", "1"), RULE.replace("LENGTH", "9"), "raise OSError(1)\n"],
    "notes/a.txt": ["one", "two", "six"],
    "policies.yml": [
        "policies: {a: {type: pipeline_has_owner, reason: b, select: [shop+]}}\n",
        "policies: {a: {type: pipeline_has_owner, reason: b, exclude: ['path:*/again*']}}\n",
        "policies: {a: {type: column_has_description, reason: b, select: [thrd]}}\n",
        "policies: {a: {type: pipeline_has_owner}, b: {typ: x}}\n",
        "policies: [\n",
    ],
    "requirements.txt": ["pandas==1.0\n", "pandas\n"],
    "functions.py": ["def cut(rows):\n    return rows\n", "def cat(rows):\n    return rows\n"],
    "dags/more.py": ["load_dag('shop')\n", "load_dag('shop')\nload_dag('shpo')\n", "load_dag("],
    "sql_templates/shop/extra.sql": ["SELECT 1 AS one\n", "SELECT 1 AS two\n"],
}
PYTHON = """
  sessions:
    python: functions:cut
    inputs: [orders]
    columns: [{name: customer, type: varchar}]
"""


def problems_of(linter: Linter) -> list[Diagnostic] | list[str]:
    try:
        return linter.look()
    except ConfigError as error:
        return [str(problem).replace(str(linter.root), "") for problem in error.diagnostics]


def _project(folder: Path) -> Path:
    root = shutil.copytree(HERE / "ours", folder / "project")
    for part in ("pipelines", "sql_templates", "dags"):
        if (CASES / "dag_files" / part).is_dir():
            shutil.copytree(CASES / "dag_files" / part, root / part, dirs_exist_ok=True)
    text = (root / "pipelines/shop.yml").read_text()
    (root / "pipelines/again.yml").write_text(text)
    with_function = text.replace("\ntransforms:", f"\ntransforms:{PYTHON.rstrip()}", 1)
    (root / "pipelines/third.yml").write_text(with_function.replace("name: shop", "name: third"))
    return root


# More of both: ETL_LINT_STEPS=500 python -m pytest tests/lint/test_linter.py
STEPS = int(os.environ.get("ETL_LINT_STEPS", "30"))


class Edits:
    """What people do to a project's files, by the throw of dice."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self._root, self._dice = root, dice
        self._outside = root.parent / "outside.yml"
        shutil.copy(root / "environments.yml", self._outside)
        kinds = ("*.yml", "*.sql", "*.py")
        self._first = {file: file.read_bytes() for kind in kinds for file in root.rglob(kind)}
        self._texts = [content.decode() for content in self._first.values()]

    def one(self) -> str:
        """Do something; what it was."""
        ways: list[Callable[[Path], None]] = [
            self._mutate, self._mutate, self._restore, self._restore, self._delete, self._copy,
            self._write, self._write, self._write, self._link, self._letter, self._dags,
        ]  # fmt: skip
        way, file = self._dice.choice(ways), self._dice.choice(sorted(self._first))
        way(file)
        return f"{way.__name__} {file.name}"

    def text_of(self, file: Path) -> str:
        """A text that an editor might have of a file."""
        first = self._first.get(file, b"").decode()
        return self._dice.choice([first, mutated(first, self._dice, self._texts)])

    def _mutate(self, file: Path) -> None:
        if file.is_file():
            text = mutated(file.read_text("utf-8", "replace"), self._dice, self._texts)
            file.write_bytes(text.encode("utf-8", "replace"))

    def _restore(self, file: Path) -> None:
        file.unlink(missing_ok=True)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(self._first[file])

    def _delete(self, file: Path) -> None:
        file.unlink(missing_ok=True)

    def _copy(self, file: Path) -> None:
        file.parent.mkdir(exist_ok=True)
        file.with_stem(f"more_{self._dice.randrange(3)}").write_bytes(self._first[file])

    def _write(self, _: Path) -> None:
        path = self._dice.choice(sorted(WRITTEN))
        text = self._dice.choice([*WRITTEN[path], ""])
        file = self._root / path
        file.parent.mkdir(exist_ok=True)
        if text:
            file.write_text(text)
        else:
            file.unlink(missing_ok=True)

    def _link(self, file: Path) -> None:
        other = self._dice.choice([*sorted(self._first), self._outside])
        if other != file and file.parent.is_dir() and not other.is_symlink():
            file.unlink(missing_ok=True)
            inside = other.is_relative_to(self._root)
            file.symlink_to(os.path.relpath(other, file.parent) if inside else other)

    def _letter(self, file: Path) -> None:
        """A letter for another: the size stays, and the time often does."""
        if file.is_file() and (content := file.read_bytes()):
            at = self._dice.randrange(len(content))
            file.write_bytes(content[:at] + b"x" + content[at + 1 :])

    def _dags(self, _: Path) -> None:
        shutil.rmtree(self._root / "dags", ignore_errors=True)
        if self._dice.random() < 0.5:
            (self._root / "dags").mkdir()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1))
def test_it_says_what_a_new_one_says(tmp_path: Path, seed: int) -> None:
    root = _project(tmp_path)
    edits, linter = Edits(root, random.Random(seed)), Linter(root, keep=True, jobs=1)
    done = []
    for _ in range(STEPS):
        done.append(edits.one())
        expected = problems_of(Linter(root, start=False, jobs=1))

        assert problems_of(linter) == expected, done
        assert problems_of(Linter(root, jobs=1)) == expected, (done, "from what is kept")
    (root / "pyproject.toml").unlink(missing_ok=True)
    (root / "setup.cfg").write_text(WRITTEN["setup.cfg"][2])
    (root / "rules.py").write_text(WRITTEN["rules.py"][1])
    command = [sys.executable, "-m", "etl_framework", "lint", "--no-cache", "--format", "json"]
    said = subprocess.run(command, cwd=root, capture_output=True, check=False).stdout
    places = sorted((p["path"], p["line"], p["column"], p["code"]) for p in json.loads(said))
    assert sorted((p.path, p.line, p.column, p.code) for p in linter.look()) == places


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1))
def test_texts_that_are_not_saved_lie_over_the_files(tmp_path: Path, seed: int) -> None:
    root, dice = _project(tmp_path), random.Random(100 + seed)
    (tmp_path / "mirror").mkdir()
    edits, mirror = Edits(root, dice), Mirror(root, tmp_path / "mirror")
    linter, texts, done = Linter(mirror.folder, jobs=1), dict[str, str](), []
    for step in range(STEPS):
        done.append(edits.one())
        if dice.random() < 0.5:
            file = dice.choice(sorted(edits._first))
            texts[file.relative_to(root).as_posix()] = edits.text_of(file)
        elif texts:
            del texts[dice.choice(sorted(texts))]
        mirror.synchronize(texts)
        if texts and dice.random() < 0.5:
            path = dice.choice(sorted(texts))
            texts[path] = edits.text_of(root / path)
            mirror.write(path, texts[path])
        saved = tmp_path / f"saved{step}"
        shutil.copytree(root, saved, symlinks=True)
        for path, text in texts.items():
            (saved / path).parent.mkdir(exist_ok=True)
            (saved / path).unlink(missing_ok=True)
            (saved / path).write_bytes(text.encode())

        expected = problems_of(Linter(saved, start=False, jobs=1))
        assert problems_of(linter) == expected, (done, texts.keys())
        shutil.rmtree(saved)


def test_a_change_of_one_file_is_a_look_at_one(tmp_path: Path) -> None:
    root = _project(tmp_path)
    linter = Linter(root, jobs=1)
    linter.look()
    assert len(linter.looked_at) > 2

    linter.look()
    assert linter.looked_at == []

    file = root / "pipelines/third.yml"
    file.write_text(file.read_text() + "# more\n")
    linter.look()
    assert linter.looked_at == ["pipelines/third.yml"]


def test_rules_across_pipelines_judge_again_when_what_they_judge_by_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _project(tmp_path)
    linter = Linter(root, jobs=1)
    linter.look()
    asked = []
    for rule in Inspector(root, load_settings(root))._rules:
        if hasattr(rule, "judge"):
            real = type(rule).judge
            monkeypatch.setattr(
                type(rule),
                "judge",
                lambda self, *given, real=real: (
                    asked.append(type(self).__name__) or real(self, *given)
                ),
            )

    file = root / "pipelines/third.yml"
    file.write_text(file.read_text() + "# more\n")
    linter.look()
    assert asked == []

    (root / "dags/third.py").write_text("load_dag('third')\n")
    linter.look()
    assert "Stubs" in asked
    assert "OneWriter" not in asked


def test_a_rule_of_the_project_that_changes_is_loaded_anew(tmp_path: Path) -> None:
    root = _project(tmp_path)
    (root / "setup.cfg").write_text("[etl:lint]\nrules = rules.py\nselect = X1\n")
    linter = Linter(root, jobs=1)

    def codes() -> set[str]:
        return {problem.code for problem in linter.look()}

    (root / "rules.py").write_text(RULE.replace("LENGTH", "1"))
    assert codes() == {"X100", "X101"}
    (root / "rules.py").write_text(RULE.replace("LENGTH", "9"))
    assert codes() == {"X100"}
    (root / "setup.cfg").write_text("[etl:lint]\nselect = X1\n")
    with pytest.raises(ConfigError, match="there is no rule 'X1'"):
        linter.look()
    (root / "setup.cfg").unlink()
    assert "X100" not in codes()


def test_a_file_that_changes_twice_within_a_tick_of_the_clock(tmp_path: Path) -> None:
    files, file = Files(tmp_path), tmp_path / "a.txt"
    for number in range(200):
        file.write_text(f"{number:03}")
        files.refresh()
        assert files.digest("a.txt") == digest(f"{number:03}".encode())


def test_a_pipeline_that_is_a_link_out_of_the_project_is_looked_at_again(tmp_path: Path) -> None:
    """What it holds cannot be told by what lint reads, which stays inside."""
    root = _project(tmp_path)
    outside = tmp_path / "shared.yml"
    outside.write_text("name: more\nsources: {}\n")
    (root / "pipelines/more.yml").symlink_to(outside)
    linter = Linter(root, keep=True, jobs=1)
    first = problems_of(linter)

    outside.write_text("nmae: more\nsources: {}\n")

    assert problems_of(linter) != first
    assert problems_of(linter) == problems_of(Linter(root, start=False, jobs=1))
    assert problems_of(Linter(root, jobs=1)) == problems_of(linter)
