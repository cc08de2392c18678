"""What lint knows from before, in `.etl/lint.json`: data alone, ignored when it does not fit."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl_framework.lint.contents import digest, read_inside
from etl_framework.lint.units import Unit, unit_of
from etl_framework.project.paths import ENVIRONMENTS

FILE = ".etl/lint.json"
# What any finding may depend on, beside the pipeline's own files.
AROUND = (ENVIRONMENTS, "setup.cfg", "requirements.txt")


@dataclass
class Kept:
    """The units of a project's pipelines, by the paths of their files.

    :param of: what all of them depend on.
    :param across: what was found across them, and what that depends on.
    """

    of: str = ""
    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    across: dict[str, Any] = field(default_factory=dict)

    def unit(self, path: str, root: Path) -> Unit | None:
        """The unit of a pipeline, if its files hold what they did."""
        try:
            written = self.units[path]
            files = written["files"].items()
            if any(digest(read_inside(root, name)) != was for name, was in files):
                return None
            return unit_of(written)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def whole(self, of: str) -> Unit | None:
        """What was found across pipelines, if it was of the same."""
        try:
            return unit_of(self.across["unit"]) if self.across["of"] == of else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def read_kept(root: Path, of: str) -> Kept:
    """What is kept in a project's folder, as long as it is of the same."""
    try:
        found = json.loads((root / FILE).read_bytes())
        if found["of"] == of:
            return Kept(of, dict(found["units"]), dict(found["across"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return Kept(of)


def write_kept(root: Path, kept: Kept) -> None:
    """Keep it, if the folder lets us."""
    text = json.dumps({"of": kept.of, "units": kept.units, "across": kept.across})
    file = root / FILE
    try:
        file.parent.mkdir(exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix="lint.", suffix=".draft")
        with os.fdopen(handle, "w", encoding="utf-8") as output:
            output.write(text)
        Path(draft).replace(file)
    except OSError:
        return


def made_of(root: Path, rules: Iterable[str]) -> str:
    """What tells this framework, its packages and what is around the pipelines from others.

    :param rules: the project's own rules.
    """
    parts = [sys.version, *_framework()]
    parts += [f"{path} {digest(read_inside(root, path))}" for path in (*AROUND, *rules)]
    return digest("\n".join(parts).encode())


def _framework() -> Iterator[str]:
    """Size and time of each of our files, and name and version of every installed package."""
    for folder, _, names in os.walk(Path(__file__).parents[1]):
        for name in sorted(names):
            if name.endswith((".py", ".md")):
                state = os.stat(f"{folder}/{name}")  # noqa: PTH116 - hundreds of files
                yield f"{folder}/{name} {state.st_size} {state.st_mtime_ns}"
    spec = importlib.util.find_spec("sqlglot")
    packages = Path(spec.origin).parents[1] if spec and spec.origin else Path(sys.prefix)
    yield from sorted(path.name for path in packages.glob("*.dist-info"))
