"""Folders for data that do not fit into memory: each process has one, as file names are fixed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def beside(folder: Path) -> Path:
    """The place for spilling beside a folder that SQL reads: `.etl/staging.spill`.

    It is never within: DuckDB 1.3 opens no other file of a folder in which another open one lies.
    """
    return folder.with_name(f"{folder.name}.spill")


@contextmanager
def spill_folder(parent: Path) -> Iterator[Path]:
    """Make a folder in `parent` and delete it at the end; first delete those of killed processes.

    All users of `parent` share a lock. A process that gets the lock alone is the only user, so it
    may delete the other folders.
    """
    parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(parent / ".lock", os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            for left in (path for path in parent.iterdir() if path.is_dir()):
                shutil.rmtree(left, ignore_errors=True)
        fcntl.flock(lock, fcntl.LOCK_SH)
        folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
