"""A copy of a project in which unsaved texts of an editor replace the files.

Rules read files from a folder, and so do the project's own rules. The copy is a folder in which
they find what the editor shows. It is updated file by file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from etl_framework.lint.cache import FILE
from etl_framework.project.paths import PIPELINE_TEMPLATES, PIPELINES, TEMPLATES

WHOLE = (PIPELINES, PIPELINE_TEMPLATES, TEMPLATES, "dags")
# The files that lint looks at: in the project's folder itself, and in folders of other names.
KINDS = (".py", ".yml", ".yaml", ".cfg", ".toml", ".txt")
CODE = (".py",)
ASIDE = ("node_modules", "__pycache__", "venv")
# Folders without Python are read down to this depth only: a lake has many folders.
DEPTH = 2
State = tuple[int, ...]


class Mirror:
    """A project's files, copied into another folder.

    :param root: the project's folder.
    :param folder: the folder of the copy.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root.resolve(), folder.resolve()
        self._copied: dict[str, State] = {}
        with suppress(OSError):
            (self.folder / FILE).parent.mkdir()
            shutil.copy2(self.root / FILE, self.folder / FILE)

    def synchronize(self, texts: Mapping[str, str]) -> None:
        """Copy what has changed on the disk.

        :param texts: the unsaved texts, by their paths below the project's folder.
        """
        states = dict(self._states(""))
        for path in sorted(self._copied.keys() - states.keys() - texts.keys(), reverse=True):
            self._remove(path)
        for path, state in states.items():
            if self._copied.get(path) != state and path not in texts:
                with suppress(OSError):  # gone in between, or not ours to read
                    self._copy(path)
                    self._copied[path] = state
        for path, text in texts.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        """Write an unsaved text into the copy; `synchronize` removes it again."""
        if not self._is_ours(path):
            return
        file, content = self.folder / path, text.encode("utf-8", "surrogatepass")
        with suppress(OSError):
            self._copied[path] = ()
            if file.is_symlink():
                file.unlink()
            file.parent.mkdir(parents=True, exist_ok=True)
            for parent in Path(path).parents[:-1]:
                self._copied.setdefault(parent.as_posix(), (0,))
            if not file.is_file() or file.read_bytes() != content:
                file.write_bytes(content)

    def _states(self, folder: str) -> Iterator[tuple[str, State]]:
        """Return path and state of every file, link and folder that belongs into the copy."""
        try:
            entries = sorted(os.scandir(self.root / folder), key=lambda entry: entry.name)
        except OSError:
            return
        has_code = any(entry.name.endswith(CODE) for entry in entries)
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                state = entry.stat(follow_symlinks=False)
                is_folder, is_link = entry.is_dir(follow_symlinks=False), entry.is_symlink()
            except OSError:
                continue
            if is_folder and entry.name not in ASIDE and not entry.name.startswith("."):
                yield path, (0,)
                if path.partition("/")[0] in WHOLE or has_code or path.count("/") < DEPTH:
                    yield from self._states(path)
            elif is_link or (entry.is_file() and self._is_ours(path)):
                yield path, (state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino)

    def _is_ours(self, path: str) -> bool:
        """Return whether lint may look at a file."""
        first, _, rest = path.partition("/")
        return first in WHOLE if rest and first in WHOLE else path.endswith(CODE if rest else KINDS)

    def _copy(self, path: str) -> None:
        source, file = self.root / path, self.folder / path
        if source.is_symlink():
            target = source.resolve()
            inside = target.is_relative_to(self.root)
            self._remove(path)
            file.symlink_to(self.folder / target.relative_to(self.root) if inside else target)
        elif source.is_dir():
            if file.is_symlink() or file.is_file():
                file.unlink()
            file.mkdir(exist_ok=True)
        else:
            self._remove(path)
            shutil.copy2(source, file)

    def _remove(self, path: str) -> None:
        self._copied.pop(path, None)
        file = self.folder / path
        with suppress(OSError):
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            else:
                file.unlink()
