"""Linting a folder gives the same with and without what is kept, in one process and in several."""

from __future__ import annotations

import gc
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.lint import workers
from etl_framework.lint.folder import lint_folder
from etl_framework.lint.kept import FILE
from etl_framework.lint.linter import lint
from etl_framework.lint.settings import Settings
from etl_framework.project.project import load_project
from tests.fuzz.mutating import mutated
from tests.lint.test_cases import CASES
from tests.lint.test_mistakes import HERE

WITH_MORE = ("everything_at_once", "dag_files", "two_of_one_name")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project of several pipelines, some of them wrong, one that is the same as another."""
    root = shutil.copytree(HERE / "ours", tmp_path / "project")
    for case in WITH_MORE:
        for folder in ("pipelines", "sql_templates", "dags"):
            if (CASES / case / folder).is_dir():
                shutil.copytree(CASES / case / folder, root / folder, dirs_exist_ok=True)
    shop = (root / "pipelines/shop.yml").read_text()
    (root / "pipelines/again.yml").write_text(shop)
    return root


def cold(root: Path) -> list[Diagnostic]:
    return lint_folder(root, Settings(), keep=False, jobs=1)


def warm(root: Path) -> list[Diagnostic]:
    return lint_folder(root, Settings(), jobs=1)


def test_a_process_that_lints_again_keeps_no_garbage(root: Path) -> None:
    cold(root)
    frozen = gc.get_freeze_count()

    cold(root)

    assert gc.get_freeze_count() <= frozen


@pytest.mark.parametrize("seed", range(4))
def test_after_any_edit_it_is_as_if_nothing_were_kept(root: Path, seed: int) -> None:
    dice = random.Random(seed)
    kinds = ("*.yml", "*.sql", "*.py")
    first = {file: file.read_bytes() for kind in kinds for file in root.rglob(kind)}
    others = [content.decode() for content in first.values()]
    warm(root)
    for _ in range(12):
        file = dice.choice(sorted(first))
        way = dice.randrange(6)
        if way == 0:
            file.unlink(missing_ok=True)
        elif way == 1:
            file.write_bytes(first[file])
        elif way == 2:
            file.with_stem(f"more_{dice.randrange(3)}").write_bytes(first[file])
        elif file.exists():
            text = mutated(file.read_text("utf-8", "replace"), dice, others)
            file.write_bytes(text.encode("utf-8", "replace"))
        expected = cold(root)

        assert warm(root) == expected, (file, way)
        assert warm(root) == expected, "once more"
        assert lint(load_project(root)) == expected


@pytest.mark.slow
def test_several_processes_find_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ENOUGH", 1)

    assert lint_folder(root, Settings(), keep=False, jobs=2) == cold(root)
    assert len(cold(root)) > 10


def test_only_what_has_changed_is_looked_at_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    real: Callable[[str], object] = workers._unit
    monkeypatch.setattr(workers, "_unit", lambda path: looked.append(path) or real(path))
    warm(root)
    hinted = {each.path for each in cold(root) if each.code == "E302"}
    looked.clear()

    warm(root)
    assert set(looked) == hinted, "a hint about other files is made anew"

    looked.clear()
    file = root / "sql_templates/shop/paid.sql"
    file.write_text(file.read_text() + "-- more\n")
    warm(root)
    assert set(looked) == {"pipelines/again.yml", "pipelines/shop.yml"} | hinted

    looked.clear()
    environments = root / "environments.yml"
    environments.write_text(environments.read_text() + "# more\n")
    warm(root)
    assert len(looked) == len(list((root / "pipelines").glob("*.yml")))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x04K\x01.", id="a pickle"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"of": 1, "units": [], "across": {}}', id="of another shape"),
        pytest.param(b"[1, 2]", id="a list"),
    ],
)
def test_what_is_kept_and_cannot_be_read_is_ignored(root: Path, content: bytes) -> None:
    expected = cold(root)
    warm(root)
    of = json.loads((root / FILE).read_text())["of"]
    (root / FILE).write_bytes(content.replace(b'"of": 1', f'"of": "{of}"'.encode()))

    assert warm(root) == expected


@pytest.mark.parametrize("broken", ["files", "problems", "comments", "facts"])
def test_a_unit_of_another_shape_is_made_anew(root: Path, broken: str) -> None:
    expected = cold(root)
    warm(root)
    kept = json.loads((root / FILE).read_text())
    for unit in (*kept["units"].values(), kept["across"]["unit"]):
        unit[broken] = [[1]]
    (root / FILE).write_text(json.dumps(kept))

    assert warm(root) == expected


def test_a_folder_that_cannot_be_written_is_no_matter(root: Path) -> None:
    expected = cold(root)
    (root / ".etl").write_text("a file")

    assert warm(root) == expected


def test_a_mistyped_path_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="'shopp' is no file, folder or pipeline"):
        lint_folder(root, Settings(), ["shopp"])
    assert {each.path for each in lint_folder(root, Settings(), ["again"])} == {
        "pipelines/again.yml"
    }
