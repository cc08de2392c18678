"""Linting a folder gives the same with and without what is kept, in one process and in several."""

from __future__ import annotations

import gc
import json
import random
import shutil
from pathlib import Path

import pytest

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.lint import workers
from etl_framework.lint.cache import FILE
from etl_framework.lint.linter import Linter
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
    return Linter(root, start=False, jobs=1).look()


def warm(root: Path) -> list[Diagnostic]:
    return Linter(root, keep=True, jobs=1).look()


def test_a_process_that_lints_again_keeps_no_garbage(root: Path) -> None:
    cold(root)
    frozen = gc.get_freeze_count()

    cold(root)

    assert gc.get_freeze_count() <= frozen


@pytest.mark.parametrize("seed", range(1))
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


@pytest.mark.slow
def test_several_processes_find_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "ENOUGH", 1)

    assert Linter(root, start=False, jobs=2).look() == cold(root)
    assert len(cold(root)) > 10


@pytest.mark.parametrize("lives", [True, False], ids=["one process", "a process each time"])
def test_only_what_has_changed_is_looked_at_again(root: Path, lives: bool) -> None:
    linter = Linter(root, keep=True, jobs=1)

    def looked_at() -> set[str]:
        look = linter if lives else Linter(root, keep=True, jobs=1)
        look.look()
        return set(look.looked_at)

    looked_at()
    hinted = {each.path for each in cold(root) if each.code == "E302"}
    assert looked_at() == hinted, "a hint about other files is made anew"

    file = root / "sql_templates/shop/paid.sql"
    file.write_text(file.read_text() + "-- more\n")
    assert looked_at() == {"pipelines/again.yml", "pipelines/shop.yml"} | hinted

    environments = root / "environments.yml"
    environments.write_text(environments.read_text() + "# more\n")
    assert len(looked_at()) == len(list((root / "pipelines").glob("*.yml")))


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
        Linter(root).look(["shopp"])
    assert {each.path for each in Linter(root).look(["again"])} == {"pipelines/again.yml"}
