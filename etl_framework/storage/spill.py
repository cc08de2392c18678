"""Folders for what does not fit into memory: one a process, as the files in it have fixed names."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def spill_folder(parent: Path) -> Iterator[Path]:
    """A new folder in this one, gone at the end; what killed processes left goes first.

    Whoever spills here holds the lock with others; who has it alone is the first, and may clean up.
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
