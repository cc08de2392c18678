"""What lint knows from before, in `.etl/lint.json`: data alone, ignored when it does not fit."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from etl_framework.lint.files import Files
from etl_framework.lint.units import Unit, unit_of
from etl_framework.project.paths import ENVIRONMENTS, digest

FILE = ".etl/lint.json"
# What any finding may depend on, beside the pipeline's own files.
AROUND = (ENVIRONMENTS, "setup.cfg", "requirements.txt")


@dataclass(frozen=True)
class Across:
    """What was found across all pipelines.

    :param of: tells the files that it depends on from others.
    :param reads: patterns of the files whose contents rules across pipelines read.
    :param names: patterns of the files whose names alone they look at.
    """

    of: str
    reads: tuple[str, ...]
    names: tuple[str, ...]
    unit: Unit


@dataclass
class Kept:
    """The units of a project's pipelines, by the paths of their files, as they were written.

    :param of: what all of them depend on.
    :param across: an `Across`.
    :param stamps: those of `Files`.
    """

    of: str = ""
    units: dict[str, Any] = field(default_factory=dict)
    across: Any = None
    stamps: Any = None

    def unit(self, path: str, files: Files) -> Unit | None:
        """The unit of a pipeline, if its files hold what they did."""
        try:
            written = self.units[path]
            return unit_of(written) if files.same(written["files"]) else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def found_across(self) -> Across | None:
        """What was found across the pipelines."""
        try:
            written = self.across
            reads, names = tuple(map(str, written["reads"])), tuple(map(str, written["names"]))
            return Across(str(written["of"]), reads, names, unit_of(written["unit"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def read_kept(root: Path, of: str) -> Kept:
    """What is kept in a project's folder, as long as it is of the same."""
    try:
        written = json.loads((root / FILE).read_bytes())
        if written["of"] == of:
            return Kept(of, dict(written["units"]), written["across"], written["stamps"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Kept(of)


def write_kept(
    root: Path, of: str, units: Mapping[str, Unit], across: Across, files: Files
) -> None:
    """Keep it, if the folder lets us."""
    text = json.dumps(
        {
            "of": of,
            "units": {path: unit.written() for path, unit in units.items() if unit.files},
            "across": {
                "of": across.of,
                "reads": across.reads,
                "names": across.names,
                "unit": across.unit.written(),
            },
            "stamps": files.stamps(),
        }
    )
    file = root / FILE
    try:
        file.parent.mkdir(exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix="lint.", suffix=".draft")
        with os.fdopen(handle, "w", encoding="utf-8") as output:
            output.write(text)
        Path(draft).replace(file)
    except OSError:
        return


def made_of(files: Files, rules: Iterable[str]) -> str:
    """What tells this framework, its packages and what is around the pipelines from others.

    :param rules: the project's own rules.
    """
    parts = [sys.version, *_framework()]
    parts += [f"{path} {files.digest(path)}" for path in (*AROUND, *rules)]
    return digest("\n".join(parts).encode())


@cache
def _framework() -> tuple[str, ...]:
    """Size and time of each of our files, and name and version of every installed package."""
    return tuple(_installed())


def _installed() -> Iterator[str]:
    for folder, _, names in os.walk(Path(__file__).parents[1]):
        for name in sorted(names):
            if name.endswith((".py", ".md")):
                state = os.stat(f"{folder}/{name}")  # noqa: PTH116 - hundreds of files
                yield f"{folder}/{name} {state.st_size} {state.st_mtime_ns}"
    spec = importlib.util.find_spec("sqlglot")
    packages = Path(spec.origin).parents[1] if spec and spec.origin else Path(sys.prefix)
    yield from sorted(path.name for path in packages.glob("*.dist-info"))
