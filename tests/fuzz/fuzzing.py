"""Give lint projects in which one or two files are mutated, and see that it says so and no more."""

from __future__ import annotations

import random
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etl_framework.errors import Diagnostic
from etl_framework.lint.formats import FORMATS
from etl_framework.lint.linter import Linter
from tests.conftest import REPOSITORY
from tests.fuzz.guard import Guard, TooLongError
from tests.fuzz.mutating import mutated

KINDS = ("*.yml", "*.sql")


@dataclass(frozen=True)
class Crash:
    """What went wrong with a seed, and the files that did it."""

    seed: int
    what: str
    files: dict[str, str]


class Fuzzer:
    """Projects from the repository with all that lint reads, one at a time in a folder.

    :param folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        cases = REPOSITORY / "tests" / "cases" / "lint"
        projects = [
            REPOSITORY,
            *sorted(path for path in cases.iterdir() if (path / "pipelines").is_dir()),
        ]
        self._projects = [_files(project) for project in projects]
        self._texts = [text for files in self._projects for text in files.values()]
        self._root = folder
        for files in self._projects:  # imports what is imported at first use
            self._write(files)
            self._lint()
        self._guard = Guard(folder)

    def crashes(self, seeds: range) -> Iterator[Crash]:
        """Those of some seeds."""
        for seed in seeds:
            if what := self.broken(files := self._made(random.Random(seed))):
                yield Crash(seed, what, files)

    def _made(self, dice: random.Random) -> dict[str, str]:
        """The files of a project, some of them mutated; the small ones more often."""
        files = dict(
            dice.choice(self._projects[1:] if dice.random() < 0.97 else self._projects[:1])
        )
        for name in dice.sample(sorted(files), min(len(files), dice.choice((1, 1, 2)))):
            files[name] = mutated(files[name], dice, self._texts)
        return files

    def broken(self, files: dict[str, str]) -> str:
        """What is wrong with how lint takes a project; empty if nothing is."""
        self._write(files)
        self._guard.broken.clear()
        try:
            with self._guard.watch():
                found = self._lint()
        except TooLongError:
            return "takes too long\n" + traceback.format_exc(limit=-4)
        except Exception:  # noqa: BLE001 - whatever it is, lint must not raise it
            return traceback.format_exc(limit=-6)
        faults = [str(each) for each in found if each.code == "E602"]  # a rule that breaks
        return "\n".join([*self._guard.broken, *faults])

    def _write(self, files: dict[str, str]) -> None:
        for each in self._root.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        (self._root / "pipelines").mkdir()
        for name, text in files.items():
            file = self._root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode("utf-8", "surrogatepass"))

    def _lint(self) -> list[Diagnostic]:
        found = Linter(self._root, start=False, jobs=1).look()
        for write in FORMATS.values():
            write(found, self._root).encode()
        return found


def tried(seeds: range) -> list[Crash]:
    """The crashes of some seeds, in a process of their own: its hook on Python stays."""
    with tempfile.TemporaryDirectory(prefix="etl-fuzz-") as folder:
        return list(Fuzzer(Path(folder)).crashes(seeds))


def _files(project: Path) -> dict[str, str]:
    """The text of each file that lint reads, by its path in the project."""
    named = [project / "environments.yml"] if (project / "environments.yml").exists() else []
    for folder in ("pipelines", "sql_templates"):
        named += [file for kind in KINDS for file in (project / folder).rglob(kind)]
    return {file.relative_to(project).as_posix(): file.read_text("utf-8") for file in sorted(named)}
