"""What files hold, and what tells it from other contents."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def read_inside(root: Path, path: str) -> bytes | None:
    """A file's content; None when it is not there, or leads out of the project's folder.

    :param root: without links in it.
    """
    full = os.path.realpath(root / path)
    if not full.startswith(f"{root}{os.sep}") or not os.path.isfile(full):  # noqa: PTH113
        return None
    try:
        with open(full, "rb") as file:  # noqa: PTH123 - thousands of files: a Path each is slow
            return file.read()
    except OSError:
        return None


def digest(content: bytes | None) -> str:
    """What tells a content from others; empty when there is none."""
    return "" if content is None else hashlib.sha256(content).hexdigest()
