"""The contents of a project's files; a file is read again only if its stat has changed."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Mapping
from glob import glob
from pathlib import Path

from etl_framework.project.paths import digest, read_inside

# Time of the content, time of the entry (mtime, ctime), size, inode.
Stamp = tuple[int, int, int, int]
# Some file systems count time in steps of two seconds: a younger file may change unnoticed.
SETTLED = 2_000_000_000


class Files:
    """The files below a folder, with digests of their contents.

    :param unsettled: how many files had to be read since the last `refresh`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unsettled = 0
        self._digests: dict[str, tuple[Stamp, str]] = {}
        self._plain: dict[str, bool] = {}
        self._seen: dict[str, str] = {}
        self._listings: dict[str, tuple[dict[str, Stamp], list[str]]] = {}

    def refresh(self) -> None:
        """Make the next call look at the disk again."""
        self._plain.clear()
        self._seen.clear()
        self.unsettled = 0

    def digest(self, path: str) -> str:
        """Return the digest of a file's content; empty if the folder has no such file."""
        if path not in self._seen:
            self._seen[path] = self._digest(path)
        return self._seen[path]

    def same(self, digests: Mapping[str, str]) -> bool:
        """Return whether the files still have these digests."""
        return all(self.digest(path) == was for path, was in digests.items())

    def named(self, pattern: str) -> list[str]:
        """Return the files that match a pattern, sorted; list them anew if a folder has changed."""
        folders, names = self._listings.get(pattern, ({}, []))
        if not folders or any(_stamp(f"{self.root}/{f}") != was for f, was in folders.items()):
            now = time.time_ns()
            stamps = {folder: _stamp(f"{self.root}/{folder}") for folder in self._folders(pattern)}
            names = matching_files(self.root, [pattern])
            settled = {f: was for f, was in stamps.items() if was and _is_settled(was, now)}
            self._listings.pop(pattern, None)
            if len(settled) == len(stamps):
                self._listings[pattern] = settled, names
        return names

    def stamps(self) -> dict[str, tuple[Stamp, str]]:
        """Return stamp and digest of every file that was read, for `start_from`."""
        return dict(self._digests)

    def start_from(self, written: object) -> None:
        """Take over the `stamps` that another process has written; skip misshaped entries."""
        for path, entry in written.items() if isinstance(written, dict) else ():
            match entry:
                case [[int(a), int(b), int(c), int(d)], str(was)]:
                    self._digests.setdefault(path, ((a, b, c, d), was))

    def _digest(self, path: str) -> str:
        stamp = _stamp(f"{self.root}/{path}") if self._is_plain(os.path.dirname(path)) else None  # noqa: PTH120
        known = self._digests.get(path)
        if stamp and known and known[0] == stamp:
            return known[1]
        now = time.time_ns()
        made = digest(read_inside(self.root, path))
        self._digests.pop(path, None)
        self.unsettled += 1
        if stamp and _is_settled(stamp, now):
            self._digests[path] = stamp, made
        return made

    def _is_plain(self, folder: str) -> bool:
        """Return whether no part of a folder's path is a link or leads upwards."""
        if folder not in self._plain:
            parent, _, name = folder.rpartition("/")
            self._plain[folder] = not folder or (
                name not in ("", ".", "..")
                and not os.path.islink(f"{self.root}/{folder}")  # noqa: PTH114
                and self._is_plain(parent)
            )
        return self._plain[folder]

    def _folders(self, pattern: str) -> Iterable[str]:
        """Return the folders whose entries decide which files match a pattern."""
        yield ""
        parts = pattern.split("/")[:-1]
        for length in range(1, len(parts) + 1):
            prefix = "/".join(parts[:length])
            for path in glob(prefix, root_dir=self.root, recursive=True, include_hidden=True):  # noqa: PTH207
                if os.path.isdir(f"{self.root}/{path}"):  # noqa: PTH112
                    yield path


def _stamp(path: str) -> Stamp | None:
    """Return the stamp of a regular file or a folder; None for links and missing files."""
    try:
        state = os.lstat(path)
    except (OSError, ValueError):
        return None
    if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
        return None
    return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino


def _is_settled(stamp: Stamp, now: int) -> bool:
    return max(stamp[:2]) < now - SETTLED


def matching_files(root: Path, patterns: Iterable[str]) -> list[str]:
    """Return the files below a folder that match one of the patterns, sorted."""
    paths = set()
    for pattern in patterns:  # Path.glob takes twice as long
        paths.update(glob(pattern, root_dir=root, recursive=True, include_hidden=True))  # noqa: PTH207
    return sorted(path.replace(os.sep, "/") for path in paths)
