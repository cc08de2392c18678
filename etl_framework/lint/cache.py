"""The cache of lint in `.etl/lint.json`: only data, which is ignored when it does not fit."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Fact
from etl_framework.lint.files import Files
from etl_framework.lint.noqa import Noqa
from etl_framework.lint.settings_files import FILES as SETTINGS
from etl_framework.project.paths import ENVIRONMENTS, POLICIES, digest
from etl_framework.storage.seal import sealed, unsealed

FILE = ".etl/lint.json"
# Files that any finding may depend on, besides the pipeline's own files.
AROUND = (ENVIRONMENTS, POLICIES, *SETTINGS, "requirements.txt")


@dataclass(frozen=True)
class Unit:
    """One pipeline: the problems in its files, and its facts for rules across pipelines.

    :param files: the paths of its file and its templates, with the digests of their contents; empty
        if the problems depend on further files.
    :param facts: by the name of the rule that needs them.
    """

    files: Mapping[str, str]
    problems: tuple[Diagnostic, ...]
    comments: tuple[Noqa, ...]
    facts: Mapping[str, tuple[Fact, ...]]

    def written(self) -> dict[str, Any]:
        """Return the unit as values of JSON."""
        return {
            "files": dict(self.files),
            "problems": [astuple(problem) for problem in self.problems],
            "comments": [astuple(comment) for comment in self.comments],
            "facts": {rule: [astuple(f) for f in facts] for rule, facts in self.facts.items()},
        }


def merged(units: Iterable[Unit]) -> Unit:
    """Return the unit of a file, of those of its pipelines."""
    first, *others = units
    for other in others:
        facts = {rule: (*first.facts.get(rule, ()), *found) for rule, found in other.facts.items()}
        first = Unit(
            {**first.files, **other.files} if first.files and other.files else {},
            tuple(dict.fromkeys((*first.problems, *other.problems))),
            tuple(dict.fromkeys((*first.comments, *other.comments))),
            {**first.facts, **facts},
        )
    return first


def unit_of(written: Mapping[str, Any]) -> Unit:
    """Return the unit that `Unit.written` describes; raise any error if the values do not fit."""
    return Unit(
        written["files"],
        tuple(Diagnostic(*fields) for fields in written["problems"]),
        tuple(_noqa(*fields) for fields in written["comments"]),
        {
            rule: tuple(Fact(fields[0], tuple(fields[1]), *fields[2:]) for fields in facts)
            for rule, facts in written["facts"].items()
        },
    )


def _noqa(path: str, line: int, column: int, codes: list[str], reason: str) -> Noqa:
    return Noqa(path, line, column, tuple(codes), reason)


@dataclass(frozen=True)
class Across:
    """The problems across all pipelines.

    :param of: a digest of the files that they depend on.
    :param reads: patterns of the files whose contents rules across pipelines read.
    :param names: patterns of the files whose names alone these rules look at.
    """

    of: str
    reads: tuple[str, ...]
    names: tuple[str, ...]
    unit: Unit


@dataclass
class Kept:
    """What the cache holds of a project: its units as JSON, by the paths of the pipeline files.

    :param of: a digest of what all units depend on.
    :param across: an `Across` as JSON.
    :param stamps: the stamps of `Files`.
    """

    of: str = ""
    units: dict[str, Any] = field(default_factory=dict)
    across: Any = None
    stamps: Any = None

    def unit(self, path: str, files: Files) -> Unit | None:
        """Return the unit of a pipeline; None if one of its files has changed."""
        try:
            written = self.units[path]
            return unit_of(written) if files.same(written["files"]) else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def parsed_across(self) -> Across | None:
        """Return the problems across the pipelines; None if they cannot be read."""
        try:
            written = self.across
            reads, names = tuple(map(str, written["reads"])), tuple(map(str, written["names"]))
            return Across(str(written["of"]), reads, names, unit_of(written["unit"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def read_kept(root: Path, of: str) -> Kept:
    """Return the cache in a project's folder; an empty one if its digest is not `of`."""
    try:
        written = unsealed((root / FILE).read_bytes())
        if written["of"] == of:
            return Kept(of, dict(written["units"]), written["across"], written["stamps"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Kept(of)


def write_kept(
    root: Path, of: str, units: Mapping[str, Unit], across: Across, files: Files
) -> None:
    """Write the cache; do nothing if the folder cannot be written."""
    data = sealed(
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
        with os.fdopen(handle, "wb") as output:
            output.write(data)
        Path(draft).replace(file)
    except OSError:
        return


def made_of(files: Files, rules: Iterable[str]) -> str:
    """Return a digest of the framework, its packages and the files around the pipelines.

    :param rules: the files of the project's own rules.
    """
    parts = [sys.version, *_framework()]
    parts += [f"{path} {files.digest(path)}" for path in (*AROUND, *rules)]
    return digest("\n".join(parts).encode())


@cache
def _framework() -> tuple[str, ...]:
    """Return size and time of every of our files, and name and version of every package."""
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
